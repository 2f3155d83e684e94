// convlstm.hpp - convlstm.h in C++ (17): objects that free themselves, and exceptions. Header-only;
// what the functions do, and their thread rules, is said in convlstm.h. Objects are moved, not copied;
// a session or trainer shares the ownership of its model.
#ifndef CONVLSTM_HPP
#define CONVLSTM_HPP

#include <convlstm.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace convlstm {

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

namespace detail {
inline void check(nbase_status status, const char *text = "")
{
    if (status) throw error(status, text);
}
} // namespace detail

// Sequences (B,T,H,W,C) and their mask (B,T), borrowed for the time of a call; mask may be null.
struct batch {
    const float *img = nullptr;
    std::size_t sequences = 0, frames = 0, height = 0, width = 0;
    const std::uint8_t *mask = nullptr;

    convlstm_batch raw() const { return {img, mask, sequences, frames, height, width, nullptr}; }
};

// A network with its weights. Copies of this object share them; clone() does not.
class model {
public:
    static model load(const std::string &path, const nbase_env *env = nullptr)
    {
        convlstm_model *m = nullptr;
        nbase_error err{};
        detail::check(convlstm_model_load(env, path.c_str(), &m, &err), err.text);
        return model(m);
    }
    static model from_json(const std::string &json, std::uint64_t seed,
                           const nbase_env *env = nullptr)
    {
        convlstm_model *m = nullptr;
        nbase_error err{};
        detail::check(convlstm_model_create(env, json.c_str(), seed, &m, &err), err.text);
        return model(m);
    }
    static model preset(const std::string &name, std::size_t height = 0, std::size_t width = 0,
                        std::uint64_t seed = 1)
    {
        char *json = nullptr;
        nbase_error err{};
        detail::check(convlstm_preset_json(name.c_str(), height, width, &json, &err), err.text);
        std::unique_ptr<char, void (*)(char *)> owner(json, convlstm_text_free);
        return from_json(json, seed);
    }
    model clone() const
    {
        convlstm_model *m = nullptr;
        detail::check(convlstm_model_clone(get(), &m));
        return model(m);
    }
    void save(const std::string &path) const
    {
        nbase_error err{};
        detail::check(convlstm_model_save(get(), path.c_str(), &err), err.text);
    }
    std::string json() const { return convlstm_model_json(get()); }
    std::string label(std::size_t k) const { return convlstm_model_label(get(), k); }
    convlstm_model_info info() const
    {
        convlstm_model_info info{};
        convlstm_model_get_info(get(), &info);
        return info;
    }
    // Elements of what the network gives for one sequence.
    std::size_t output_count(std::size_t frames, std::size_t height, std::size_t width) const
    {
        std::size_t shape[4] = {1, 1, 1, 1}, count = 1;
        nbase_error err{};
        detail::check(convlstm_model_output_shape(get(), frames, height, width, shape, &err),
                      err.text);
        for (int d = 0; d < info().output_dims; d++) count *= shape[d];
        return count;
    }
    // The weight of this name, or null.
    const nbase_array *find(const std::string &name) const
    {
        return convlstm_model_find(get(), name.c_str());
    }
    convlstm_model *get() const noexcept { return handle_.get(); }

private:
    explicit model(convlstm_model *m) : handle_(m, convlstm_model_free) {}
    std::shared_ptr<convlstm_model> handle_;
};

// A model with the memory to run it, for one thread at a time.
class session {
public:
    explicit session(const model &m, const convlstm_session_options &options = {})
        : model_(m), handle_(nullptr, convlstm_session_free)
    {
        convlstm_session *s = nullptr;
        nbase_error err{};
        detail::check(convlstm_session_create(m.get(), &options, &s, &err), err.text);
        handle_.reset(s);
    }
    // What the network gives for each sequence, one after the other. With `statuses` an item that
    // has no valid frame, or no finite result, is no exception: it has that status.
    std::vector<float> predict(const batch &in, std::vector<nbase_status> *statuses = nullptr)
    {
        std::vector<float> out(in.sequences * model_.output_count(in.frames, in.height, in.width));
        std::vector<nbase_status> items(in.sequences, NBASE_OK);
        const convlstm_batch raw = in.raw();
        const nbase_status status = convlstm_run(get(), &raw, out.data(), nullptr, items.data());
        bool of_items = false;
        for (nbase_status item : items) of_items = of_items || item;
        if (!(statuses && of_items)) check(status);
        if (statuses) *statuses = std::move(items);
        return out;
    }
    void reset() { convlstm_session_reset(get()); }

    // Streaming, a frame (H,W,C) at a time.
    void stream_begin(std::size_t height, std::size_t width)
    {
        check(convlstm_stream_begin(get(), height, width));
        stream_count_ = model_.output_count(1, height, width);
    }
    std::vector<float> stream_step(const float *frame)
    {
        std::vector<float> out(stream_count_);
        check(convlstm_stream_step(get(), frame, 1, out.data()));
        return out;
    }
    convlstm_session *get() const noexcept { return handle_.get(); }

private:
    void check(nbase_status status) const
    {
        if (status) throw error(status, convlstm_session_error(get()));
    }
    model model_; // freed after the session
    std::unique_ptr<convlstm_session, void (*)(convlstm_session *)> handle_;
    std::size_t stream_count_ = 0;
};

// A model in training, for one thread at a time.
class trainer {
public:
    static convlstm_trainer_options defaults(convlstm_optimizer optimizer = CONVLSTM_ADAM)
    {
        convlstm_trainer_options options;
        convlstm_trainer_defaults(&options, optimizer);
        return options;
    }
    explicit trainer(const model &m, const convlstm_trainer_options &options = defaults())
        : model_(m), handle_(nullptr, convlstm_trainer_free)
    {
        convlstm_trainer *t = nullptr;
        nbase_error err{};
        detail::check(convlstm_trainer_create(m.get(), &options, &t, &err), err.text);
        handle_.reset(t);
    }
    convlstm_step_result step(const batch &in, const float *targets, float *out = nullptr)
    {
        convlstm_step_result result{};
        const convlstm_batch raw = in.raw();
        check(convlstm_trainer_step_batch(get(), &raw, targets, out, &result));
        return result;
    }
    convlstm_step_result evaluate(const batch &in, const float *targets, float *out = nullptr)
    {
        convlstm_step_result result{};
        const convlstm_batch raw = in.raw();
        check(convlstm_trainer_evaluate(get(), &raw, targets, out, &result));
        return result;
    }
    void save(const std::string &path) const
    {
        nbase_error err{};
        detail::check(convlstm_trainer_save(get(), path.c_str(), nullptr, &err), err.text);
    }
    void restore(const std::string &path)
    {
        nbase_error err{};
        detail::check(convlstm_trainer_restore(get(), path.c_str(), nullptr, &err), err.text);
    }
    convlstm_trainer *get() const noexcept { return handle_.get(); }

private:
    void check(nbase_status status) const
    {
        if (status) throw error(status, convlstm_trainer_error(get()));
    }
    model model_; // freed after the trainer
    std::unique_ptr<convlstm_trainer, void (*)(convlstm_trainer *)> handle_;
};

} // namespace convlstm

#endif
