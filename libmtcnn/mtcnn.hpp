// mtcnn.hpp - mtcnn.h in C++ (17): objects that free themselves, and exceptions. Header-only; what the
// functions do, and their thread rules, is said in mtcnn.h.
#ifndef MTCNN_HPP
#define MTCNN_HPP

#include <mtcnn.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace mtcnn {

// A status other than NBASE_OK, with the library's text.
class error : public std::runtime_error {
public:
    error(nbase_status status, const std::string &text)
        : std::runtime_error(text.empty() ? nbase_status_name(status) : text), status_(status)
    {
    }
    nbase_status status() const noexcept { return status_; }

private:
    nbase_status status_;
};

// The parameters of the networks; copies of this object share them.
class weights {
public:
    static weights load(const std::string &path, const nbase_env *env = nullptr)
    {
        mtcnn_weights *w = nullptr;
        nbase_error err{};
        if (nbase_status status = mtcnn_weights_load(env, path.c_str(), &w, &err))
            throw error(status, err.text);
        return weights(w);
    }
    const mtcnn_weights *get() const noexcept { return handle_.get(); }

private:
    explicit weights(mtcnn_weights *w) : handle_(w, mtcnn_weights_free) {}
    std::shared_ptr<mtcnn_weights> handle_;
};

// A detector with its buffers, for one thread at a time.
class detector {
public:
    static mtcnn_options profile(const std::string &name)
    {
        mtcnn_options options;
        if (nbase_status status = mtcnn_options_profile(&options, name.c_str()))
            throw error(status, "there is no profile '" + name + "'");
        return options;
    }
    explicit detector(const weights &w, const mtcnn_options *options = nullptr)
        : weights_(w), handle_(nullptr, mtcnn_detector_free)
    {
        mtcnn_detector *d = nullptr;
        nbase_error err{};
        if (nbase_status status = mtcnn_detector_create(nullptr, w.get(), options, &d, &err))
            throw error(status, err.text);
        handle_.reset(d);
    }
    // By falling score.
    std::vector<mtcnn_face> detect(const nbase_image &image)
    {
        const mtcnn_face *faces = nullptr;
        std::size_t count = 0;
        check(mtcnn_detect(get(), &image, &faces, &count));
        return std::vector<mtcnn_face>(faces, faces + count);
    }
    // size * size pixels of RGB.
    std::vector<std::uint8_t> crop(const nbase_image &image, const mtcnn_face &face,
                                   const mtcnn_crop_options &options)
    {
        std::vector<std::uint8_t> out(options.size * options.size * 3);
        check(mtcnn_crop_face(get(), &image, &face, &options, out.data()));
        return out;
    }
    mtcnn_stats stats() const { return mtcnn_detector_stats(get()); }
    mtcnn_detector *get() const noexcept { return handle_.get(); }

private:
    void check(nbase_status status) const
    {
        if (status) throw error(status, mtcnn_detector_error(get()));
    }
    weights weights_; // freed after the detector
    std::unique_ptr<mtcnn_detector, void (*)(mtcnn_detector *)> handle_;
};

} // namespace mtcnn

#endif
