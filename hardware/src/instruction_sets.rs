//! Instruction sets that matter for inference, as the processor reports them.

/// Lists those of the named sets that the processor has.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! detected {
    ($detect:ident: $($feature:tt => $name:literal),* $(,)?) => {{
        let mut found: Vec<String> = Vec::new();
        $(if $detect!($feature) { found.push($name.to_owned()); })*
        found
    }};
}

/// Names of the instruction sets that are present, such as `AVX2` or `DOTPROD`. Empty on an
/// architecture that is not known here.
pub fn present() -> Vec<String> {
    detect()
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Vec<String> {
    let mut found = detected!(is_x86_feature_detected:
        "sse3" => "SSE3", "ssse3" => "SSSE3", "sse4.1" => "SSE4.1", "sse4.2" => "SSE4.2",
        "avx" => "AVX", "avx2" => "AVX2", "fma" => "FMA", "f16c" => "F16C", "bmi2" => "BMI2",
        "avx512f" => "AVX512F", "avx512bw" => "AVX512BW", "avx512dq" => "AVX512DQ",
        "avx512vl" => "AVX512VL", "avx512vnni" => "AVX512_VNNI", "avx512vbmi" => "AVX512_VBMI",
        "avx512bf16" => "AVX512_BF16", "avx512fp16" => "AVX512_FP16", "avxvnni" => "AVX_VNNI",
    );
    // The standard library does not detect AMX yet; Linux lists it.
    let list = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    found.extend(amx(&list));
    found
}

#[cfg(target_arch = "aarch64")]
fn detect() -> Vec<String> {
    use std::arch::is_aarch64_feature_detected;
    detected!(is_aarch64_feature_detected:
        "neon" => "NEON", "fp16" => "FP16", "dotprod" => "DOTPROD", "i8mm" => "I8MM",
        "bf16" => "BF16", "sve" => "SVE", "sve2" => "SVE2",
    )
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn detect() -> Vec<String> {
    Vec::new()
}

/// The AMX parts among the flags of the first processor in the text of `/proc/cpuinfo`.
#[cfg(target_arch = "x86_64")]
fn amx(cpuinfo: &str) -> Vec<String> {
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    flags
        .split_whitespace()
        .filter(|flag| flag.starts_with("amx_"))
        .map(str::to_uppercase)
        .collect()
}

#[cfg(test)]
#[cfg(target_arch = "x86_64")]
mod tests {
    use super::*;

    #[test]
    fn amx_is_read_from_the_flags() {
        let text = "model name\t: x\nflags\t\t: fpu avx512f amx_bf16 amx_tile amx_int8\nbugs\t:\n";
        assert_eq!(amx(text), ["AMX_BF16", "AMX_TILE", "AMX_INT8"]);
        assert!(amx("").is_empty());
    }

    /// Linux' own list is the other witness.
    #[test]
    #[cfg(target_os = "linux")]
    fn agrees_with_cpuinfo() {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let flags = cpuinfo.lines().find(|line| line.starts_with("flags")).unwrap();
        let has = |flag: &str| flags.split_whitespace().any(|f| f == flag);
        let found = present();
        for (name, flag) in [("AVX2", "avx2"), ("FMA", "fma"), ("AVX512F", "avx512f")] {
            assert_eq!(found.iter().any(|n| n == name), has(flag), "{name}");
        }
    }
}
