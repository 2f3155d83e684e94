// predict.cpp - predict.c in C++: predict MODEL.safetensors
//
// c++ -std=c++17 predict.cpp $(pkg-config --cflags --libs convlstm)
#include <convlstm.hpp>
#include <cstdio>
#include <vector>

int main(int argc, char **argv)
try {
    if (argc != 2) return std::fprintf(stderr, "usage: predict MODEL.safetensors\n"), 2;
    const auto model = convlstm::model::load(argv[1]);
    const auto info = model.info();
    convlstm::session session(model);

    const std::size_t frames = 4;
    std::vector<float> photos(frames * info.height * info.width * info.channels);
    for (std::size_t i = 0; i < photos.size(); i++) photos[i] = float(i * 31 % 251) / 250;
    const std::uint8_t mask[] = {1, 1, 0, 1};

    const auto probs =
        session.predict({photos.data(), 1, frames, info.height, info.width, mask});
    for (std::size_t k = 0; k < probs.size(); k++)
        std::printf("%s %.4f\n", model.label(k).c_str(), probs[k]);
} catch (const convlstm::error &e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
