//! Peak resident memory of this process.

/// Peak resident memory of this process so far, in bytes; 0 where it cannot be found out.
///
/// On Linux it is `VmHWM` of `/proc/self/status`, not `ru_maxrss`: the latter begins with the memory
/// of the process that started this one (`setmax_mm_hiwater_rss` at exec).
#[cfg(target_os = "linux")]
pub fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    high_water_mark(&status).unwrap_or(0)
}

/// `VmHWM` out of the text of `/proc/PID/status`, in bytes.
#[cfg(target_os = "linux")]
fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Peak resident memory of this process so far, in bytes; 0 where it cannot be found out.
#[cfg(not(target_os = "linux"))]
pub fn peak_bytes() -> u64 {
    // SAFETY: an all-zero `rusage` is a valid value, and `getrusage` only writes to it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        if libc::getrusage(libc::RUSAGE_SELF, &mut usage) != 0 {
            return 0;
        }
        usage
    };
    // macOS counts bytes, other systems kibibytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn reads_the_high_water_mark() {
        assert_eq!(high_water_mark("Name:\tx\nVmHWM:\t   2048 kB\n"), Some(2_097_152));
        assert_eq!(high_water_mark("VmHWM: none"), None);
    }

    #[test]
    fn memory_that_was_used_counts() {
        let block = vec![1u8; 32 << 20];
        assert!(std::hint::black_box(&block).iter().map(|b| u64::from(*b)).sum::<u64>() > 0);
        assert!(peak_bytes() >= 32 << 20);
    }
}
