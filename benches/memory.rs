//! How many bytes a world takes, per object and per application, at three sizes of cluster.
//!
//! Counts what is asked of the allocator and lives once the world is built, and what the process grew by. Takes as given
//! that texts are shared as whoever reads documents shares them.

mod support;

use peak_alloc::PeakAlloc;

use self::support::Cluster;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const SIZES: [u32; 3] = [1_000, 10_000, 50_000];

fn main() {
    for size in SIZES {
        let (allocated, resident) = (ALLOCATOR.current_usage(), resident());
        let cluster = Cluster::new(size);
        let objects = cluster.objects();
        let world = cluster.into_world();
        let allocated = ALLOCATOR.current_usage() - allocated;
        let resident = self::resident().saturating_sub(resident);
        println!("{size} applications: {allocated} bytes allocated, {resident} bytes more resident");
        println!("  {} bytes per application, {} per object", allocated / size as usize, allocated / objects);
        drop(world);
    }
}

/// The resident bytes of this process; 0 where the system does not say.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|number| number.parse().ok());
    kilobytes.map_or(0, |kilobytes: usize| kilobytes * 1_024)
}
