//! What the control group allows and uses, in both of the kernel's versions.
//! <https://docs.kernel.org/admin-guide/cgroup-v2.html>, <https://docs.kernel.org/admin-guide/cgroup-v1/index.html>
//!
//! A limit holds for all that is beneath it, so the narrowest one on the way up counts. In a container the path of a group may be
//! one that the host has and the container has not; then the group is what is mounted.

use crate::builtin::cgroup as families;
use crate::collect::process::is_fresh;
use crate::metric::Descriptor;
use crate::record::fork;
use crate::registry::{Collection, Collector};
use crate::sync::{Mutex, lock};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A v1 group without a limit shows the largest number of whole pages; nobody has a limit of an exbibyte.
const NO_LIMIT: u64 = 1 << 60;

/// Where the files are.
struct Cgroup {
    /// `/`, but in tests.
    root: PathBuf,
}

/// The sampler's last reading.
static LAST: Mutex<Option<(fork::Process, Instant, Reading)>> = Mutex::new(None);

/// Takes a reading: some ten files.
pub(crate) fn sample() {
    let reading = Cgroup::new().read();
    *lock(&LAST) = Some((fork::Process::current(), Instant::now(), reading));
}

/// Shows the sampler's reading, or takes one.
pub(crate) struct Limits;

/// What was found out. What is not limited, or not told, is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
struct Reading {
    cpus: Option<f64>,
    throttled: Option<Duration>,
    throttled_periods: Option<u64>,
    memory_limit: Option<u64>,
    memory_usage: Option<u64>,
}

impl Cgroup {
    fn new() -> Cgroup {
        Cgroup { root: PathBuf::from("/") }
    }

    fn read(&self) -> Reading {
        let text = |path: &str| fs::read_to_string(self.root.join(path)).unwrap_or_default();
        let (groups, mounts) = (text("proc/self/cgroup"), text("proc/self/mountinfo"));
        let mut reading = Reading::default();
        for group in groups.lines().filter_map(Group::parse) {
            for mount in mounts.lines().filter_map(Mount::parse).filter(|mount| mount.is_of(&group)) {
                let folder = self.root.join(mount.point.trim_start_matches('/'));
                let path = mount.within(group.path);
                // The group itself, then those above it, up to what is mounted.
                let existing = path.ancestors().filter(|path| folder.join(path).is_dir());
                for (level, path) in existing.enumerate() {
                    let folder = folder.join(path);
                    if group.controllers.is_empty() {
                        reading.add_v2(&folder, level == 0);
                    } else {
                        reading.add_v1(&folder, level == 0);
                    }
                }
            }
        }
        reading
    }
}

/// A line of `/proc/self/cgroup`: `0::/path`, or in v1 `4:cpu,cpuacct:/path`.
struct Group<'a> {
    controllers: &'a str,
    path: &'a str,
}

impl Group<'_> {
    fn parse(line: &str) -> Option<Group<'_>> {
        let mut parts = line.splitn(3, ':').skip(1);
        Some(Group { controllers: parts.next()?, path: parts.next()? })
    }
}

/// A line of `/proc/self/mountinfo`: `30 23 0:26 /group /sys/fs/cgroup rw - cgroup2 cgroup2 rw`.
struct Mount<'a> {
    /// Which group is mounted.
    group: &'a str,
    point: &'a str,
    kind: &'a str,
    /// In v1 these tell the controllers.
    options: &'a str,
}

impl Mount<'_> {
    fn parse(line: &str) -> Option<Mount<'_>> {
        let (before, behind) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let mut behind = behind.split(' ');
        let mount =
            Mount { group: before.next()?, point: before.next()?, kind: behind.next()?, options: behind.nth(1)? };
        mount.kind.starts_with("cgroup").then_some(mount)
    }

    fn is_of(&self, group: &Group<'_>) -> bool {
        let mut controllers = group.controllers.split(',');
        match self.kind {
            "cgroup2" => group.controllers.is_empty(),
            _ => controllers.any(|wanted| {
                matches!(wanted, "cpu" | "memory") && self.options.split(',').any(|option| option == wanted)
            }),
        }
    }

    /// The group's path beneath the mount.
    fn within(&self, group: &str) -> PathBuf {
        let own = Path::new(group).strip_prefix(self.group).unwrap_or(Path::new(""));
        // A group outside of what a container sees: `/../other`.
        let plain = own.components().filter_map(|part| match part {
            std::path::Component::Normal(name) => Some(name),
            _ => None,
        });
        plain.collect()
    }
}

impl Reading {
    /// A folder of v2; `own` is the group that the process is in.
    fn add_v2(&mut self, folder: &Path, own: bool) {
        let text = |file: &str| fs::read_to_string(folder.join(file)).ok();
        // `max 100000` or `50000 100000`, in microseconds.
        if let Some((quota, period)) = text("cpu.max").as_deref().and_then(|max| max.trim().split_once(' ')) {
            self.limit_cpus(quota.parse().ok(), period.parse().ok());
        }
        if let Some(limit) = text("memory.max").and_then(|limit| limit.trim().parse().ok()) {
            self.limit_memory(limit);
        }
        if own {
            let stat = text("cpu.stat").unwrap_or_default();
            self.throttled = field(&stat, "throttled_usec").map(Duration::from_micros);
            self.throttled_periods = field(&stat, "nr_throttled");
            self.memory_usage = text("memory.current").and_then(|usage| usage.trim().parse().ok());
        }
    }

    /// A folder of v1, of whichever controller.
    fn add_v1(&mut self, folder: &Path, own: bool) {
        let text = |file: &str| fs::read_to_string(folder.join(file)).ok();
        let number = |file: &str| text(file).and_then(|number| number.trim().parse::<u64>().ok());
        // A quota of -1 is none.
        self.limit_cpus(number("cpu.cfs_quota_us"), number("cpu.cfs_period_us"));
        if let Some(limit) = number("memory.limit_in_bytes") {
            self.limit_memory(limit);
        }
        if own {
            if let Some(stat) = text("cpu.stat") {
                self.throttled = field(&stat, "throttled_time").map(Duration::from_nanos);
                self.throttled_periods = field(&stat, "nr_throttled");
            }
            self.memory_usage = self.memory_usage.or_else(|| number("memory.usage_in_bytes"));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "microseconds of a period")]
    fn limit_cpus(&mut self, quota: Option<u64>, period: Option<u64>) {
        if let (Some(quota), Some(period @ 1..)) = (quota, period) {
            let cpus = quota as f64 / period as f64;
            self.cpus = Some(self.cpus.map_or(cpus, |narrower| narrower.min(cpus)));
        }
    }

    fn limit_memory(&mut self, limit: u64) {
        if limit < NO_LIMIT {
            self.memory_limit = Some(self.memory_limit.map_or(limit, |narrower| narrower.min(limit)));
        }
    }
}

fn field(text: &str, name: &str) -> Option<u64> {
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok();
    text.lines().find_map(value)
}

impl Collector for Limits {
    fn describe(&self) -> &[Descriptor] {
        families::CATALOG
    }

    fn collect(&self, out: &mut Collection) {
        if !cfg!(target_os = "linux") {
            return;
        }
        let sampled = lock(&LAST).clone().filter(|(process, at, _)| is_fresh(*at, *process));
        let reading = sampled.map_or_else(|| Cgroup::new().read(), |(_, _, reading)| reading);
        #[expect(clippy::cast_precision_loss, reason = "bytes of memory fit")]
        let bytes = |value: Option<u64>| value.map(|value| value as f64);
        for (descriptor, value) in [
            (families::cgroup_cpu_limit_cpus::DESCRIPTOR, reading.cpus),
            (families::cgroup_memory_limit_bytes::DESCRIPTOR, bytes(reading.memory_limit)),
            (families::cgroup_memory_usage_bytes::DESCRIPTOR, bytes(reading.memory_usage)),
        ] {
            if let Some(value) = value {
                out.gauge(&descriptor, &[], value);
            }
        }
        if let Some(throttled) = reading.throttled {
            out.seconds(&families::cgroup_cpu_throttled_seconds_total::DESCRIPTOR, &[], throttled);
        }
        if let Some(periods) = reading.throttled_periods {
            out.counter(&families::cgroup_cpu_throttled_periods_total::DESCRIPTOR, &[], periods);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files, which stands for `/`.
    struct Root(PathBuf);

    impl Root {
        fn with(name: &str, files: &[(&str, &str)]) -> Root {
            let root = std::env::temp_dir().join(format!("telemetry-cgroup-{name}-{}", std::process::id()));
            for (file, text) in files {
                let file = root.join(file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
            Root(root)
        }

        fn read(&self) -> Reading {
            Cgroup { root: self.0.clone() }.read()
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn in_v2_the_narrowest_limit_on_the_way_up_counts() {
        let root = Root::with(
            "v2",
            &[
                ("proc/self/cgroup", "0::/jobs/backfill\n"),
                (
                    "proc/self/mountinfo",
                    "24 1 0:22 / /proc rw - proc proc rw\n30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
                ),
                ("sys/fs/cgroup/memory.stat", ""),
                ("sys/fs/cgroup/jobs/cpu.max", "150000 100000\n"),
                ("sys/fs/cgroup/jobs/memory.max", "1073741824\n"),
                ("sys/fs/cgroup/jobs/memory.current", "900\n"),
                ("sys/fs/cgroup/jobs/backfill/cpu.max", "max 100000\n"),
                (
                    "sys/fs/cgroup/jobs/backfill/cpu.stat",
                    "usage_usec 5\nnr_periods 9\nnr_throttled 3\nthrottled_usec 2500000\n",
                ),
                ("sys/fs/cgroup/jobs/backfill/memory.max", "2147483648\n"),
                ("sys/fs/cgroup/jobs/backfill/memory.current", "4096\n"),
            ],
        );
        assert_eq!(
            root.read(),
            Reading {
                cpus: Some(1.5),
                throttled: Some(Duration::from_millis(2_500)),
                throttled_periods: Some(3),
                memory_limit: Some(1 << 30),
                memory_usage: Some(4_096),
            }
        );
    }

    #[test]
    fn in_v1_each_controller_is_mounted_by_itself_and_a_containers_group_is_what_is_mounted() {
        let root = Root::with(
            "v1",
            &[
                ("proc/self/cgroup", "12:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n"),
                (
                    "proc/self/mountinfo",
                    "31 30 0:28 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n\
                 32 30 0:29 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
                ),
                ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n"),
                ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
                ("sys/fs/cgroup/cpu,cpuacct/cpu.stat", "nr_periods 9\nnr_throttled 2\nthrottled_time 1500000000\n"),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n"),
                ("sys/fs/cgroup/memory/memory.usage_in_bytes", "8192\n"),
            ],
        );
        assert_eq!(
            root.read(),
            Reading {
                cpus: Some(0.5),
                throttled: Some(Duration::from_millis(1_500)),
                throttled_periods: Some(2),
                memory_limit: Some(1 << 29),
                memory_usage: Some(8_192),
            }
        );
    }

    #[test]
    fn what_is_not_limited_is_absent() {
        let root = Root::with(
            "none",
            &[
                ("proc/self/cgroup", "5:memory:/\n4:cpu,cpuacct:/\n0::/../elsewhere\n"),
                (
                    "proc/self/mountinfo",
                    "31 30 0:28 / /c/cpu ro - cgroup cgroup rw,cpu,cpuacct\n32 30 0:29 / /c/memory ro - cgroup cgroup rw,memory\n\
                 33 30 0:30 / /c/unified ro - cgroup2 cgroup2 rw\nnonsense\n",
                ),
                ("c/cpu/cpu.cfs_quota_us", "-1\n"),
                ("c/cpu/cpu.cfs_period_us", "100000\n"),
                ("c/memory/memory.limit_in_bytes", "9223372036854771712\n"),
                ("c/unified/cgroup.procs", ""),
            ],
        );
        assert_eq!(root.read(), Reading::default());
        assert_eq!(Cgroup { root: "/nowhere".into() }.read(), Reading::default());
    }
}
