//! The families of the process, from the system.

use crate::builtin::process as families;
use crate::metric::Descriptor;
use crate::registry::{Collection, Collector};
use crate::sync::{Mutex, lock};
use std::time::Duration;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Asks the system at each snapshot: some 50 µs.
pub(crate) struct Process {
    system: Mutex<Option<System>>,
}

impl Process {
    pub(crate) fn new() -> Process {
        Process { system: Mutex::new(None) }
    }
}

impl Collector for Process {
    fn describe(&self) -> &[Descriptor] {
        families::CATALOG
    }

    #[expect(clippy::cast_precision_loss, reason = "bytes of memory and seconds of this century fit")]
    fn collect(&self, out: &mut Collection) {
        let mut system = lock(&self.system);
        if system.is_none() {
            *system = System::new().ok();
        }
        // Absent where the system does not tell.
        let Some(system) = system.as_mut() else { return };
        let pid = Pid::from_u32(std::process::id());
        let kind = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
        let Some(process) = system.process(pid) else { return };
        let cpu = Duration::from_millis(process.accumulated_cpu_time());
        out.seconds(&families::process_cpu_seconds_total::DESCRIPTOR, &[], cpu);
        out.gauge(&families::process_resident_memory_bytes::DESCRIPTOR, &[], process.memory() as f64);
        out.gauge(&families::process_virtual_memory_bytes::DESCRIPTOR, &[], process.virtual_memory() as f64);
        out.gauge(&families::process_start_time_seconds::DESCRIPTOR, &[], process.start_time() as f64);
    }
}
