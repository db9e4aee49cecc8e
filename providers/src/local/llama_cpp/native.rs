//! What llama.cpp offers and the crate llama-cpp-2 does not wrap: its log, its system information.

use std::ffi::{CStr, c_char, c_void};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use llama_cpp_sys_2 as sys;

/// Why llama.cpp could not load the last model, in its own words.
static LOAD_ERROR: Mutex<Option<String>> = Mutex::new(None);

/// Why llama.cpp could not load the last model, in its own words; its functions return nothing.
pub(super) fn take_load_error() -> Option<String> {
    LOAD_ERROR.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Sends warnings and errors to standard error and drops the rest: a model's loading prints hundreds
/// of lines, and the last ones before a crash are what matters.
pub(super) fn log_to_stderr() {
    // SAFETY: the callback is a function that lives as long as the process and uses no user data.
    unsafe { sys::llama_log_set(Some(log), std::ptr::null_mut()) }
}

extern "C" fn log(level: sys::ggml_log_level, text: *const c_char, _: *mut c_void) {
    static CONTINUES: AtomicBool = AtomicBool::new(false);
    if text.is_null() {
        return;
    }
    // SAFETY: llama.cpp passes a text that ends with a zero byte and outlives this call.
    let text = unsafe { CStr::from_ptr(text) }.to_bytes();
    let shown = match level {
        sys::GGML_LOG_LEVEL_CONT => CONTINUES.load(Ordering::Relaxed),
        sys::GGML_LOG_LEVEL_WARN | sys::GGML_LOG_LEVEL_ERROR => !is_about_the_pool(text),
        _ => false,
    };
    CONTINUES.store(shown, Ordering::Relaxed);
    if let Some(error) = load_error(&String::from_utf8_lossy(text)) {
        *LOAD_ERROR.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
    if shown {
        let _ = std::io::stderr().write_all(text);
    }
}

/// The reason in a line such as `llama_model_load: error loading model: missing tensor 'a'`.
fn load_error(line: &str) -> Option<String> {
    let (_, reason) = line.split_once("error loading model: ")?;
    Some(reason.trim().to_owned())
}

/// A pool of cells for several sequences is longer than the context of one; llama.cpp cannot know that
/// no sequence grows beyond its own, and warns.
fn is_about_the_pool(text: &[u8]) -> bool {
    const WARNING: &[u8] = b"possible training context overflow";
    text.windows(WARNING.len()).any(|window| window == WARNING)
}

/// The instruction sets that llama.cpp was compiled with, such as `AVX2`.
pub(super) fn instruction_sets() -> Vec<String> {
    // SAFETY: the text is a static buffer of llama.cpp, which nothing else in this process asks for.
    let text = unsafe {
        let text = sys::llama_print_system_info();
        if text.is_null() {
            return Vec::new();
        }
        CStr::from_ptr(text).to_string_lossy().into_owned()
    };
    parse_system_info(&text)
}

/// Reads `CPU : SSE3 = 1 | AVX2 = 1 | AVX512 = 0 | OPENMP = 1 |`.
fn parse_system_info(text: &str) -> Vec<String> {
    text.split('|')
        .filter_map(|part| {
            let (name, value) = part.rsplit_once('=')?;
            let name = name.rsplit(':').next()?.trim();
            (value.trim() == "1").then(|| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_about_the_pool_is_known() {
        let warning = b"llama_context: n_ctx_seq (4608) > n_ctx_train (512) -- possible training \
            context overflow\n";
        assert!(is_about_the_pool(warning));
        assert!(!is_about_the_pool(b"GGML_ASSERT(n > 0) failed\n"));
    }

    #[test]
    fn the_reason_is_found() {
        let line = "llama_model_load: error loading model: missing tensor 'a'\n";
        assert_eq!(load_error(line).as_deref(), Some("missing tensor 'a'"));
        assert_eq!(load_error("llama_model_load: loaded"), None);
    }

    #[test]
    fn system_info() {
        let text = "CPU : SSE3 = 1 | AVX2 = 1 | AVX512 = 0 | LLAMAFILE = 1 | ";
        assert_eq!(parse_system_info(text), ["SSE3", "AVX2", "LLAMAFILE"]);
    }
}
