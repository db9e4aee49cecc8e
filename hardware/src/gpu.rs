//! Accelerators, where a library of their maker answers.

use serde::{Deserialize, Serialize};

/// An accelerator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// Its name, such as `NVIDIA H100 80GB HBM3`.
    pub name: String,
    /// Its memory in bytes, where it says so.
    pub memory_bytes: Option<u64>,
    /// Free memory in bytes, where it says so.
    pub free_bytes: Option<u64>,
    /// Version of its driver, where it says so.
    pub driver: Option<String>,
}

/// The accelerators that answer. NVML is loaded at run time; a machine without it has none.
#[cfg(feature = "nvml")]
pub(crate) fn detect() -> Vec<Gpu> {
    let Ok(nvml) = nvml_wrapper::Nvml::init() else {
        return Vec::new();
    };
    let driver = nvml.sys_driver_version().ok();
    (0..nvml.device_count().unwrap_or(0))
        .filter_map(|index| {
            let device = nvml.device_by_index(index).ok()?;
            let memory = device.memory_info().ok();
            Some(Gpu {
                name: device.name().ok()?,
                memory_bytes: memory.as_ref().map(|m| m.total),
                free_bytes: memory.as_ref().map(|m| m.free),
                driver: driver.clone(),
            })
        })
        .collect()
}

#[cfg(not(feature = "nvml"))]
pub(crate) fn detect() -> Vec<Gpu> {
    Vec::new()
}
