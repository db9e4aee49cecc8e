//! Operating system, container and virtual machine.

use serde::{Deserialize, Serialize};
use sysinfo::System;

/// What this process runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Operating system and version, such as `Linux (Debian GNU/Linux 12)`.
    pub os: String,
    /// Version of the kernel, where known.
    pub kernel: Option<String>,
    /// Changes at each boot; stamps of the monotonic clock compare within one boot only.
    pub boot_id: Option<String>,
    /// The container that this process runs in: `docker`, `podman`, `kubernetes`, `lxc`, ...
    pub container: Option<String>,
    /// The virtual machine that this process runs in: `KVM`, `VMware`, ...
    pub virtual_machine: Option<String>,
}

impl Host {
    /// Looks around.
    pub fn detect() -> Host {
        let os = System::long_os_version().or_else(|_| System::name());
        Host {
            os: os.unwrap_or_else(|_| std::env::consts::OS.to_owned()),
            kernel: System::kernel_version().ok(),
            boot_id: read("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()),
            container: container(&Signs::found()),
            virtual_machine: virtual_machine(&Signs::found()),
        }
    }
}

/// What betrays a container or a virtual machine.
#[derive(Debug, Default)]
struct Signs {
    dockerenv: bool,
    containerenv: bool,
    kubernetes: bool,
    /// `/proc/1/cgroup`.
    cgroup: String,
    /// `container=` of systemd, as it leaves it in `/run/systemd/container`.
    systemd: Option<String>,
    /// `sys_vendor` and `product_name` of the firmware.
    firmware: String,
    /// `/sys/hypervisor/type`.
    hypervisor: Option<String>,
    /// `/proc/cpuinfo`.
    cpuinfo: String,
}

impl Signs {
    fn found() -> Signs {
        let firmware = ["sys_vendor", "product_name", "bios_vendor"]
            .map(|name| read(&format!("/sys/class/dmi/id/{name}")).unwrap_or_default())
            .concat();
        Signs {
            dockerenv: std::path::Path::new("/.dockerenv").exists(),
            containerenv: std::path::Path::new("/run/.containerenv").exists(),
            kubernetes: std::path::Path::new("/var/run/secrets/kubernetes.io").exists(),
            cgroup: read("/proc/1/cgroup").unwrap_or_default(),
            systemd: read("/run/systemd/container"),
            firmware,
            hypervisor: read("/sys/hypervisor/type"),
            cpuinfo: read("/proc/cpuinfo").unwrap_or_default(),
        }
    }
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn container(signs: &Signs) -> Option<String> {
    if let Some(name) = signs.systemd.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        return Some(name.to_owned());
    }
    let named = [
        ("kubepods", "kubernetes"),
        ("libpod", "podman"),
        ("docker", "docker"),
        ("containerd", "containerd"),
        ("/lxc", "lxc"),
    ];
    if signs.kubernetes {
        return Some("kubernetes".to_owned());
    }
    let by_group =
        named.iter().find(|(mark, _)| signs.cgroup.contains(mark)).map(|(_, name)| *name);
    let by_file =
        signs.containerenv.then_some("podman").or_else(|| signs.dockerenv.then_some("docker"));
    by_group.or(by_file).map(str::to_owned)
}

fn virtual_machine(signs: &Signs) -> Option<String> {
    // Words of firmware tables as systemd's `detect-virt` reads them (src/basic/virt.c).
    let named = [
        ("VMware", "VMware"),
        ("VirtualBox", "VirtualBox"),
        ("innotek", "VirtualBox"),
        ("Xen", "Xen"),
        ("Amazon EC2", "Amazon EC2"),
        ("Google Compute Engine", "Google Compute Engine"),
        ("Microsoft Corporation", "Hyper-V"),
        ("Parallels", "Parallels"),
        ("KVM", "KVM"),
        ("QEMU", "QEMU"),
    ];
    let hypervisor = signs.hypervisor.as_deref().map(str::trim).filter(|kind| !kind.is_empty());
    let guest = signs
        .cpuinfo
        .lines()
        .find(|line| line.starts_with("flags"))
        .is_some_and(|line| line.split_whitespace().any(|flag| flag == "hypervisor"));
    let by_firmware =
        named.iter().find(|(mark, _)| signs.firmware.contains(mark)).map(|(_, name)| *name);
    match (by_firmware, hypervisor) {
        // A Microsoft machine is a virtual one only where the processor says so, too.
        (Some("Hyper-V"), _) if !guest => None,
        (Some(name), _) => Some(name.to_owned()),
        (None, Some(kind)) => Some(kind.to_owned()),
        (None, None) => guest.then(|| "unnamed hypervisor".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_group(cgroup: &str) -> Option<String> {
        container(&Signs { cgroup: cgroup.to_owned(), ..Signs::default() })
    }

    #[test]
    fn containers() {
        assert_eq!(in_group("0::/init.scope\n"), None);
        assert_eq!(in_group("4:cpu:/docker/0a1b\n").as_deref(), Some("docker"));
        let pod = "0::/kubepods.slice/kubepods-burstable.slice/cri-containerd-1.scope\n";
        assert_eq!(in_group(pod).as_deref(), Some("kubernetes"));
        assert_eq!(in_group("0::/machine.slice/libpod-1.scope\n").as_deref(), Some("podman"));
        let podman = Signs { containerenv: true, ..Signs::default() };
        assert_eq!(container(&podman).as_deref(), Some("podman"));
        let nspawn = Signs { systemd: Some("systemd-nspawn\n".to_owned()), ..Signs::default() };
        assert_eq!(container(&nspawn).as_deref(), Some("systemd-nspawn"));
    }

    fn with(firmware: &str, flags: &str) -> Option<String> {
        let cpuinfo = format!("flags\t\t: fpu {flags} sse2\n");
        virtual_machine(&Signs { firmware: firmware.to_owned(), cpuinfo, ..Signs::default() })
    }

    #[test]
    fn virtual_machines() {
        assert_eq!(with("Dell Inc.\nPowerEdge R750\n", "ht"), None);
        assert_eq!(with("QEMU\nStandard PC (Q35 + ICH9, 2009)\n", "hypervisor").unwrap(), "QEMU");
        assert_eq!(with("Microsoft Corporation\nSurface Laptop 3\n", "ht"), None);
        let azure = with("Microsoft Corporation\nVirtual Machine\n", "hypervisor");
        assert_eq!(azure.as_deref(), Some("Hyper-V"));
        assert_eq!(with("", "hypervisor").as_deref(), Some("unnamed hypervisor"));
        assert_eq!(with("Amazon EC2\nm7i.large\n", "hypervisor").as_deref(), Some("Amazon EC2"));
    }
}
