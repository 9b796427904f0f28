//! Which of several swap partitions is borrowed.

use super::*;

#[test]
fn a_larger_swap_on_another_disk_is_passed_over() {
    let mut facts = facts();
    let alone = planned(&facts, &job()).unwrap().landing.device;
    let mut other = facts.disks[0].clone();
    for name in [&mut other.name, &mut other.device] {
        *name = name.replace("vda", "vdb");
    }
    other.partitions.retain(|partition| partition.swap_active);
    let swap = &mut other.partitions[0];
    swap.device = swap.device.replace("vda", "vdb");
    swap.sectors *= 2;
    swap.partuuid = None;
    swap.content.as_mut().unwrap().uuid = Some("0d9d7a54-2d3c-4f6e-8a53-7b1f2c3d4e5f".to_owned());
    other.identities = vec![crate::disk::DiskIdentity::Serial("OTHER".to_owned())];
    other.table = None;
    other.loader = None;
    facts.disks.push(other);
    assert_eq!(planned(&facts, &job()).unwrap().landing.device, alone);
}
