//! The CPU quota of this process's control group, versions 1 and 2.
//!
//! Version 2: `cpu.max` holds `QUOTA PERIOD` or `max PERIOD`; version 1: `cpu.cfs_quota_us` holds
//! the quota or -1, `cpu.cfs_period_us` the period (Documentation/admin-guide/cgroup-v2.rst and
//! scheduler/sched-bwc.rst of Linux). The tightest group on the way up to the root counts.

use std::path::{Path, PathBuf};

/// CPUs' worth of time per second that this process may use; `None` without a limit.
pub(crate) fn cpu_quota() -> Option<f64> {
    let membership = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    quota_under(Path::new("/sys/fs/cgroup"), &membership)
}

/// The tightest quota of the groups named by `membership` (the text of `/proc/self/cgroup`), whose
/// file system is mounted at `mount`.
fn quota_under(mount: &Path, membership: &str) -> Option<f64> {
    membership
        .lines()
        .filter_map(Group::parse)
        .flat_map(|group| {
            group.mounts(mount).into_iter().flat_map(move |mount| group.quotas(&mount))
        })
        .min_by(f64::total_cmp)
}

/// A line of `/proc/self/cgroup` that has to do with the CPU.
struct Group<'a> {
    version_2: bool,
    controllers: &'a str,
    path: &'a str,
}

impl<'a> Group<'a> {
    /// Reads `0::/a/b` (version 2) or `4:cpu,cpuacct:/a/b` (version 1).
    fn parse(line: &'a str) -> Option<Group<'a>> {
        let mut fields = line.splitn(3, ':');
        let version_2 = fields.next()? == "0";
        let controllers = fields.next()?;
        let path = fields.next()?.trim_start_matches('/');
        let cpu = controllers.split(',').any(|c| c == "cpu");
        // A path with `..` lies outside this cgroup namespace; its files cannot be found below.
        let inside = !path.split('/').any(|part| part == "..");
        let path = if inside { path } else { "" };
        (version_2 || cpu).then_some(Group { version_2, controllers, path })
    }

    fn mounts(&self, mount: &Path) -> Vec<PathBuf> {
        if self.version_2 {
            vec![mount.to_path_buf(), mount.join("unified")]
        } else {
            vec![mount.join("cpu"), mount.join(self.controllers)]
        }
    }

    /// Quotas from the group up to the root of the mount. In a container the group's own path may
    /// be missing, because the container sees its group as the root: then the root alone answers.
    fn quotas(&self, mount: &Path) -> Vec<f64> {
        let mut folder = mount.join(self.path);
        let mut found = Vec::new();
        loop {
            found.extend(if self.version_2 { quota_2(&folder) } else { quota_1(&folder) });
            if folder == mount || !folder.pop() {
                return found;
            }
        }
    }
}

fn quota_2(folder: &Path) -> Option<f64> {
    parse_cpu_max(&std::fs::read_to_string(folder.join("cpu.max")).ok()?)
}

fn quota_1(folder: &Path) -> Option<f64> {
    let number =
        |name: &str| std::fs::read_to_string(folder.join(name)).ok()?.trim().parse::<f64>().ok();
    ratio(number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
}

fn parse_cpu_max(text: &str) -> Option<f64> {
    let mut fields = text.split_whitespace();
    let quota = fields.next()?.parse().ok()?;
    let period = fields.next().map_or(Some(100_000.0), |p| p.parse().ok())?;
    ratio(quota, period)
}

fn ratio(quota: f64, period: f64) -> Option<f64> {
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_max() {
        assert_eq!(parse_cpu_max("150000 100000\n"), Some(1.5));
        assert_eq!(parse_cpu_max("max 100000\n"), None);
        assert_eq!(parse_cpu_max("50000"), Some(0.5));
        assert_eq!(parse_cpu_max(""), None);
        assert_eq!(parse_cpu_max("100 0"), None);
    }

    struct Tree(PathBuf);

    impl Tree {
        fn new(name: &str, files: &[(&str, &str)]) -> Tree {
            let id = std::process::id();
            let root = std::env::temp_dir().join(format!("rightsize-cgroup-{name}-{id}"));
            for (path, text) in files {
                let path = root.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            Tree(root)
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn version_2_takes_the_tightest_group() {
        let tree = Tree::new(
            "v2",
            &[
                ("user.slice/cpu.max", "200000 100000\n"),
                ("user.slice/job.scope/cpu.max", "max 100000\n"),
            ],
        );
        assert_eq!(quota_under(&tree.0, "0::/user.slice/job.scope\n"), Some(2.0));
        assert_eq!(quota_under(&tree.0, "0::/other.slice\n"), None);
    }

    #[test]
    fn version_1_in_both_spellings_of_its_folder() {
        let files = [
            ("cpu,cpuacct/docker/ab/cpu.cfs_quota_us", "50000\n"),
            ("cpu,cpuacct/docker/ab/cpu.cfs_period_us", "100000\n"),
            ("cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
            ("cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ];
        let tree = Tree::new("v1", &files);
        let membership = "9:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n0::/\n";
        assert_eq!(quota_under(&tree.0, membership), Some(0.5));
    }

    #[test]
    fn a_container_that_sees_its_group_as_the_root() {
        let tree = Tree::new("root", &[("cpu.max", "300000 100000\n")]);
        assert_eq!(quota_under(&tree.0, "0::/\n"), Some(3.0));
        assert_eq!(quota_under(&tree.0, "0::/../../kubepods/pod1\n"), Some(3.0));
        assert_eq!(quota_under(&tree.0, "0::/kubepods/pod1\n"), Some(3.0));
    }
}
