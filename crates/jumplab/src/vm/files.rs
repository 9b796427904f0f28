//! The files that make the victim itself: names, network, keys, fstab.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{
    BOOT_UUID, DATA_UUID, ESP_UUID, Identity, MAC_STATIC, NODE, ROOT_UUID, Role, STATIC_ADDRESS,
    STATIC_ROUTE, SWAP_UUID, Table,
};

/// Writes them below the root mounted at `at`.
pub(super) fn write(at: &Path, table: Table, identity: &Identity) -> Result<()> {
    let put = |name: &str, mode: u32, text: &str| -> Result<()> {
        let path = at.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write {name}"))?;
        std::fs::set_permissions(&path, Permissions::from_mode(mode))?;
        Ok(())
    };
    put("etc/fstab", 0o644, &fstab(table))?;
    put("etc/hostname", 0o644, &format!("{NODE}\n"))?;
    put("etc/hosts", 0o644, &hosts())?;
    put(
        "etc/machine-id",
        0o444,
        "0707070707074a756d70070707070707\n",
    )?;
    if table.is_small() {
        put("etc/systemd/network/10-static.network", 0o644, &networkd())?;
    } else {
        put("etc/network/interfaces", 0o644, &interfaces(table))?;
    }
    put(
        "root/notes.txt",
        0o600,
        "rack 12, unit 7; call Ada before touching it\n",
    )?;
    put(
        "root/.ssh/authorized_keys",
        0o600,
        &identity.admin_public_key()?,
    )?;
    std::fs::set_permissions(at.join("root/.ssh"), Permissions::from_mode(0o700))?;
    for key in identity.host_keys() {
        let name = format!(
            "etc/ssh/{}",
            key.file_name().unwrap_or_default().to_string_lossy()
        );
        put(&name, 0o600, &std::fs::read_to_string(&key)?)?;
        let public = std::fs::read_to_string(key.with_extension("pub"))?;
        put(&format!("{name}.pub"), 0o644, &public)?;
    }
    Ok(())
}

fn fstab(table: Table) -> String {
    let line = |role, line: String| table.partition(role).map_or(String::new(), |_| line);
    let boot = line(
        Role::Boot,
        format!("UUID={BOOT_UUID} /boot ext4 defaults          0 2\n"),
    );
    let esp = line(
        Role::Esp,
        format!("UUID={ESP_UUID} /boot/efi vfat umask=0077 0 1\n"),
    );
    // An old system whose swap is on loan waits for it at its next boot, by default 90 seconds.
    let options = if table.is_small() {
        "sw,x-systemd.device-timeout=4s"
    } else {
        "sw"
    };
    let swap = line(
        Role::Swap,
        format!("UUID={SWAP_UUID} none  swap {options} 0 0\n"),
    );
    format!(
        "# /etc/fstab of {NODE}\n\
         UUID={ROOT_UUID} /     ext4 errors=remount-ro 0 1\n\
         {boot}{esp}\
         UUID={DATA_UUID} /data ext4 defaults,noatime  0 2\n\
         {swap}"
    )
}

fn hosts() -> String {
    format!(
        "127.0.0.1\tlocalhost\n\
         127.0.1.1\t{NODE}.cluster.example\t{NODE}\n\
         192.168.77.20\tstorage.cluster.example\tstorage\n\
         ::1\tlocalhost ip6-localhost ip6-loopback\n"
    )
}

fn interfaces(table: Table) -> String {
    let (network, gateway) = STATIC_ROUTE;
    let [dhcp, fixed] = table.interfaces();
    format!(
        "auto lo\n\
         iface lo inet loopback\n\n\
         allow-hotplug {dhcp}\n\
         iface {dhcp} inet dhcp\n\n\
         auto {fixed}\n\
         iface {fixed} inet static\n\
         \taddress {STATIC_ADDRESS}\n\
         \tup ip route add {network} via {gateway}\n"
    )
}

/// The small world's one interface, by networkd.
fn networkd() -> String {
    let (network, gateway) = STATIC_ROUTE;
    format!(
        "[Match]\n\
         MACAddress={MAC_STATIC}\n\n\
         [Network]\n\
         Address={STATIC_ADDRESS}\n\n\
         [Route]\n\
         Destination={network}\n\
         Gateway={gateway}\n"
    )
}
