// faces.cpp - camera.c in C++, without the crop: faces WEIGHTS.safetensors WIDTH HEIGHT <frame.bgr
//
// c++ -std=c++17 faces.cpp $(pkg-config --cflags --libs mtcnn)
#include <cstdio>
#include <cstdlib>
#include <mtcnn.hpp>
#include <vector>

int main(int argc, char **argv)
try {
    if (argc != 4) return std::fprintf(stderr, "usage: faces WEIGHTS WIDTH HEIGHT\n"), 2;
    const std::size_t width = std::strtoul(argv[2], nullptr, 10);
    const std::size_t height = std::strtoul(argv[3], nullptr, 10);
    std::vector<std::uint8_t> frame(width * height * 3);
    if (std::fread(frame.data(), 1, frame.size(), stdin) != frame.size()) return 1;

    auto options = mtcnn::detector::profile("ipazc-0.1");
    options.min_face = 40;
    mtcnn::detector detector(mtcnn::weights::load(argv[1]), &options);
    for (const mtcnn_face &face : detector.detect({frame.data(), width, height, width * 3, NBASE_BGR8}))
        std::printf("%d %d %d %d  %.4f\n", face.box[0], face.box[1], face.box[2], face.box[3],
                    face.score);
} catch (const mtcnn::error &e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
