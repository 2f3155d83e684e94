//! predict.rs - a sequence of frames through a model, from Rust: predict MODEL.safetensors
//!
//! bindgen -o convlstm.rs $(pkg-config --variable=includedir convlstm)/convlstm.h -- $(pkg-config --cflags convlstm)
//! (before bindgen 0.61 with --size_t-is-usize)
//! rustc predict.rs $(pkg-config --libs-only-L convlstm) -l convlstm
use std::{env, ffi, process, ptr};

#[allow(dead_code, non_camel_case_types, non_upper_case_globals)]
mod c {
    include!("convlstm.rs"); // made by bindgen
}

fn text(bytes: *const ffi::c_char) -> String {
    unsafe { ffi::CStr::from_ptr(bytes) }.to_string_lossy().into_owned()
}

struct Model(*mut c::convlstm_model);

impl Model {
    fn load(path: &str) -> Result<Model, String> {
        let path = ffi::CString::new(path).map_err(|e| e.to_string())?;
        let mut model = ptr::null_mut();
        let mut err: c::nbase_error = unsafe { std::mem::zeroed() };
        match unsafe { c::convlstm_model_load(ptr::null(), path.as_ptr(), &mut model, &mut err) } {
            c::nbase_status_NBASE_OK => Ok(Model(model)),
            _ => Err(text(err.text.as_ptr())),
        }
    }

    fn info(&self) -> c::convlstm_model_info {
        let mut info = unsafe { std::mem::zeroed() };
        unsafe { c::convlstm_model_get_info(self.0, &mut info) };
        info
    }

    fn label(&self, output: usize) -> String {
        text(unsafe { c::convlstm_model_label(self.0, output) })
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        unsafe { c::convlstm_model_free(self.0) }
    }
}

/// A session reads its model, which must live as long; a session is for one thread at a time.
struct Session<'a>(*mut c::convlstm_session, &'a Model);

impl<'a> Session<'a> {
    fn new(model: &'a Model) -> Result<Session<'a>, String> {
        let mut session = ptr::null_mut();
        let mut err: c::nbase_error = unsafe { std::mem::zeroed() };
        match unsafe { c::convlstm_session_create(model.0, ptr::null(), &mut session, &mut err) } {
            c::nbase_status_NBASE_OK => Ok(Session(session, model)),
            _ => Err(text(err.text.as_ptr())),
        }
    }

    /// One sequence: photos (frames, height, width, channels), mask (frames). The probabilities.
    fn predict(&mut self, photos: &[f32], mask: &[u8]) -> Result<Vec<f32>, String> {
        let info = self.1.info();
        assert_eq!(photos.len(), mask.len() * info.height * info.width * info.channels);
        let mut probs = vec![0.0; info.outputs];
        let status = unsafe {
            c::convlstm_predict(self.0, photos.as_ptr(), mask.as_ptr(), 1, mask.len(), info.height, info.width,
                                probs.as_mut_ptr(), ptr::null_mut())
        };
        match status {
            c::nbase_status_NBASE_OK => Ok(probs),
            _ => Err(text(unsafe { c::convlstm_session_error(self.0) })),
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        unsafe { c::convlstm_session_free(self.0) }
    }
}

fn run(path: &str) -> Result<(), String> {
    let model = Model::load(path)?;
    let info = model.info();
    // The third photo shows no face: it is masked, and what is in it does not matter.
    let mask = [1, 1, 0, 1];
    let values = mask.len() * info.height * info.width * info.channels;
    let photos: Vec<f32> = (0..values).map(|i| (i * 31 % 251) as f32 / 250.0).collect();
    let probs = Session::new(&model)?.predict(&photos, &mask)?;
    for (k, p) in probs.iter().enumerate() {
        println!("{} {:.4}", model.label(k), p);
    }
    Ok(())
}

fn main() {
    let Some(path) = env::args().nth(1) else {
        eprintln!("usage: predict MODEL.safetensors");
        process::exit(2);
    };
    if let Err(text) = run(&path) {
        eprintln!("{text}");
        process::exit(1);
    }
}
