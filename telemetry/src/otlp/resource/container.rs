//! `container.id`: <https://opentelemetry.io/docs/specs/semconv/resource/container/>
//!
//! No file says it outright. Where control groups are those of version 1, or are those of the machine, the path of the process' own ends in it. Elsewhere
//! the path says nothing, and it is read from where the container's `/etc/hostname` comes from, which runtimes keep in a folder of that name.

/// `None` where this is no container, or one whose runtime writes it nowhere.
pub(super) fn id() -> Option<String> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    in_cgroups(&read("/proc/self/cgroup")).or_else(|| in_mounts(&read("/proc/self/mountinfo")))
}

/// Lines such as `5:cpu:/docker/<id>`, or `0::/system.slice/docker-<id>.scope`.
fn in_cgroups(file: &str) -> Option<String> {
    let paths = file.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let mut last_parts = paths.filter_map(|path| path.trim_end_matches('/').rsplit('/').next());
    last_parts.find_map(|part| {
        // `cri-containerd-<id>.scope`, `crio-<id>.scope`, `libpod-<id>.scope`; `kubepods-…-pod….slice:cri-containerd:<id>`.
        let part = part.strip_suffix(".scope").unwrap_or(part);
        let part = part.rsplit(':').next().unwrap_or(part);
        let bare = part.rsplit('-').next().unwrap_or(part);
        [part, bare].into_iter().find(|id| is_id(id) || is_of_ecs(id)).map(str::to_owned)
    })
}

/// Lines such as `… /var/lib/docker/containers/<id>/hostname /etc/hostname …`: the fourth field is what is mounted, the fifth is where.
/// <https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html>
fn in_mounts(file: &str) -> Option<String> {
    file.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(3);
        let (what, at) = (fields.next()?, fields.next()?);
        if !["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"].contains(&at) {
            return None;
        }
        let mut parts = what.split('/');
        // A sandbox is what containers of a pod share, and no container.
        parts.find(|part| ["containers", "overlay-containers"].contains(part))?;
        parts.find(|part| is_id(part)).map(str::to_owned)
    })
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// As Amazon's ECS has it on Fargate: 32 digits of the task, and a number.
fn is_of_ecs(text: &str) -> bool {
    text.split_once('-').is_some_and(|(task, number)| {
        task.len() == 32
            && task.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "dc579f8a8319c8cf7d38e1adf263bc08d23e0a4f1b9a3e2c7c5d6f708192a3b4";
    const POD: &str = "1cb1d3b2_8c0a_4d8e_8a2b_9e8b6f7a1c2d";

    #[test]
    fn control_groups_of_each_runtime() {
        for (line, expected) in [
            (format!("5:cpu,cpuacct:/docker/{ID}"), Some(ID)),
            (format!("1:name=systemd:/kubepods/besteffort/pod{POD}/{ID}"), Some(ID)),
            (format!("0::/system.slice/docker-{ID}.scope"), Some(ID)),
            (format!("0::/kubepods.slice/kubepods-pod{POD}.slice/cri-containerd-{ID}.scope"), Some(ID)),
            (
                format!(
                    "11:pids:/system.slice/containerd.service/kubepods-burstable-pod{POD}.slice:cri-containerd:{ID}"
                ),
                Some(ID),
            ),
            (format!("0::/machine.slice/libpod-{ID}.scope"), Some(ID)),
            (format!("0::/kubepods.slice/crio-{ID}.scope/"), Some(ID)),
            (
                "9:perf_event:/ecs/5e4d2f0c8f1b4f3aa1b2c3d4e5f60718/5e4d2f0c8f1b4f3aa1b2c3d4e5f60718-2550426739"
                    .to_owned(),
                Some("5e4d2f0c8f1b4f3aa1b2c3d4e5f60718-2550426739"),
            ),
            ("0::/".to_owned(), None),
            ("0::/user.slice/user-1000.slice/session-3.scope".to_owned(), None),
            (format!("0::/{}", &ID[1..]), None),
            (format!("0::/docker/{}", ID.to_uppercase()), None),
            (String::new(), None),
        ] {
            let file = format!("12:devices:/\n{line}\n3:freezer:/\n");
            assert_eq!(in_cgroups(&file).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn mounts_of_each_runtime() {
        let ext4 = "rw,relatime - ext4 /dev/sda1 rw";
        for (line, expected) in [
            (format!("1206 1190 254:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname {ext4}"), Some(ID)),
            (format!("983 961 0:56 /docker/containers/{ID}/resolv.conf /etc/resolv.conf {ext4}"), Some(ID)),
            (
                format!("836 812 0:136 /containers/overlay-containers/{ID}/userdata/hostname /etc/hostname {ext4}"),
                Some(ID),
            ),
            // What the containers of a pod share.
            (
                format!(
                    "7 6 8:1 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{ID}/hostname /etc/hostname {ext4}"
                ),
                None,
            ),
            // A machine that has containers, and is none.
            (format!("40 28 0:50 / /var/lib/docker/containers/{ID}/mounts/shm {ext4}"), None),
            ("28 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw".to_owned(), None),
            ("28 1".to_owned(), None),
        ] {
            let file = format!("24 28 0:22 / /proc rw - proc proc rw\n{line}\n");
            assert_eq!(in_mounts(&file).as_deref(), expected, "{line}");
        }
    }
}
