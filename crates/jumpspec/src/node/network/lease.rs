//! How the DHCP clients of old systems write down what they call themselves. Texts in, values
//! out.

use super::client_id::{ClientId, hex};

/// systemd-networkd's lease, `/run/systemd/netif/leases/INDEX`: `CLIENTID=` and digits.
pub fn networkd_lease(text: &str) -> Option<ClientId> {
    let line = text.lines().find_map(|line| line.strip_prefix("CLIENTID="));
    ClientId::parse(line?.trim())
}

/// What `nmcli --terse --fields DHCP4 device show` says: lines such as
/// `DHCP4.OPTION[3]:dhcp_client_identifier = 01:52:54:00:12:34:56`.
pub fn nmcli_dhcp4(text: &str) -> Option<ClientId> {
    let value = text.lines().find_map(|line| {
        let (name, value) = line.split_once(" = ")?;
        let name = name.rsplit([':', ' ']).next()?;
        (name == "dhcp_client_identifier").then_some(value)
    });
    // --terse escapes colons.
    ClientId::parse(value?.trim().replace('\\', "").as_str())
}

/// How a dhclient was set up (dhclient(8), dhclient.conf(5), dhclient.leases(5)).
#[derive(Clone, Debug, Default)]
pub struct Dhclient {
    /// Whether it was started with `-i`: it then asks by a DUID.
    pub by_duid: bool,
    /// Its settings.
    pub conf: String,
    /// Its leases; its DUID is in there.
    pub leases: String,
}

impl Dhclient {
    /// What it asks as on the link `name` with the address `mac`. One that sends no identifier
    /// is known to its server by that address.
    pub fn client_id(&self, name: &str, mac: &str) -> Option<ClientId> {
        match sent_identifier(&self.conf, name) {
            Some("hardware") => ClientId::of_mac(mac),
            Some(value) if value.starts_with('"') => ClientId::from_bytes(quoted(value)?),
            Some(value) => ClientId::parse(value),
            None if self.by_duid => {
                let duid = self.leases.lines().rev().find_map(default_duid)?;
                ClientId::of_duid(mac, &duid)
            }
            None => ClientId::of_mac(mac),
        }
    }
}

/// The value of `send dhcp-client-identifier` that counts for `name`: its own before all
/// links'.
fn sent_identifier<'a>(conf: &'a str, name: &str) -> Option<&'a str> {
    let (mut block, mut common, mut own) = (None, None, None);
    for line in conf.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("interface ") {
            block = rest.split('"').nth(1);
        }
        let value = line
            .split_once("send dhcp-client-identifier")
            .filter(|(before, _)| !before.contains('#'))
            .and_then(|(_, rest)| rest.split(';').next());
        if let Some(value) = value.map(|value| value.trim_start_matches([' ', '=']).trim()) {
            match block {
                None => common = Some(value),
                Some(of) if of == name => own = Some(value),
                Some(_) => {}
            }
        }
        if line.contains('}') {
            block = None;
        }
    }
    own.or(common)
}

/// The bytes of `default-duid "…";`, or of hexadecimal text in its place.
fn default_duid(line: &str) -> Option<Vec<u8>> {
    let value = line.trim().strip_prefix("default-duid ")?;
    let value = value.strip_suffix(';').unwrap_or(value);
    if value.starts_with('"') {
        quoted(value)
    } else {
        hex(value)
    }
}

/// The bytes of a quoted string: `\ooo` is octal, and a backslash makes the next one plain.
fn quoted(text: &str) -> Option<Vec<u8>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = inner.bytes().peekable();
    let mut read = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            read.push(byte);
            continue;
        }
        let (mut value, mut digits) = (0_u16, 0);
        while let Some(digit) = bytes.next_if(|b| digits < 3 && (b'0'..=b'7').contains(b)) {
            value = value * 8 + u16::from(digit - b'0');
            digits += 1;
        }
        if digits == 0 {
            read.push(bytes.next()?);
        } else {
            read.push(u8::try_from(value).ok()?);
        }
    }
    Some(read)
}

/// How a dhcpcd was set up (dhcpcd(8), dhcpcd.conf(5)).
#[derive(Clone, Debug, Default)]
pub struct Dhcpcd {
    /// The identifier that it was started with, `-I`.
    pub argument: Option<String>,
    /// Its settings.
    pub conf: String,
    /// Its DUID, hexadecimal.
    pub duid: String,
}

impl Dhcpcd {
    /// What it asks as on the link `name` with the address `mac`.
    pub fn client_id(&self, name: &str, mac: &str) -> Option<ClientId> {
        if let Some(argument) = &self.argument {
            return by_client_id(argument, mac);
        }
        let mut found = None;
        let mut is_ours = true;
        for line in self.conf.lines() {
            let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            match word {
                "interface" => is_ours = rest.trim() == name,
                "clientid" if is_ours => found = by_client_id(rest.trim(), mac),
                "duid" if is_ours => found = ClientId::of_duid(mac, &hex(self.duid.trim())?),
                _ => {}
            }
        }
        found
    }
}

/// An empty one is the hardware's.
fn by_client_id(text: &str, mac: &str) -> Option<ClientId> {
    if text.is_empty() {
        return ClientId::of_mac(mac);
    }
    let is_hex = text.contains(':');
    let read = if is_hex { ClientId::parse(text) } else { None };
    read.or_else(|| ClientId::of_text(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "eth0";
    const MAC: &str = "52:54:00:12:34:56";
    const BY_MAC: &str = "01:52:54:00:12:34:56";
    /// As isc-dhcp-client 4.4.3 wrote it and sent it.
    const LEASES: &str =
        "default-duid \"\\000\\001\\000\\0012\\236\\177+RT\\000\\0224V\";\nlease {\n}\n";
    const BY_DUID: &str = "ff:00:12:34:56:00:01:00:01:32:9e:7f:2b:52:54:00:12:34:56";

    fn text(id: Option<ClientId>) -> Option<String> {
        id.map(|id| id.to_string())
    }

    #[test]
    fn networkds_lease_says_what_it_asked_as() {
        let lease = "# This is private data. Do not parse.\nADDRESS=10.0.0.7\nCLIENTID=ffb6220feb00020000ab11d9\n";
        let id = networkd_lease(lease).unwrap();
        assert_eq!(id.to_string(), "ff:b6:22:0f:eb:00:02:00:00:ab:11:d9");
        assert_eq!(networkd_lease("ADDRESS=10.0.0.7\n"), None);
    }

    #[test]
    fn nmcli_says_what_network_manager_asked_as() {
        let told = format!(
            "DHCP4.OPTION[1]:broadcast_address = 10.0.0.255\nDHCP4.OPTION[2]:dhcp_client_identifier = {BY_MAC}\n"
        );
        assert_eq!(text(nmcli_dhcp4(&told)).as_deref(), Some(BY_MAC));
        let escaped = told.replace("52:54", "52\\:54");
        assert_eq!(text(nmcli_dhcp4(&escaped)).as_deref(), Some(BY_MAC));
        assert_eq!(
            nmcli_dhcp4("DHCP4.OPTION[1]:requested_dhcp_client_identifier = 1\n"),
            None
        );
    }

    #[test]
    fn dhclient_asks_by_its_duid_as_debians_ifupdown_starts_it() {
        let dhclient = Dhclient {
            by_duid: true,
            leases: LEASES.to_owned(),
            ..Dhclient::default()
        };
        let id = text(dhclient.client_id(NAME, MAC));
        assert_eq!(id.as_deref(), Some(BY_DUID));
        let lost = Dhclient {
            leases: String::new(),
            ..dhclient
        };
        assert_eq!(lost.client_id(NAME, MAC), None);
    }

    #[test]
    fn dhclients_own_setting_comes_first() {
        let conf = "#send dhcp-client-identifier 9:9;\nsend dhcp-client-identifier 1:2:3;\n\
            interface \"eth1\" {\n send dhcp-client-identifier \"one\";\n}\n\
            interface \"eth2\" { send dhcp-client-identifier = hardware; }\n";
        let dhclient = Dhclient {
            by_duid: true,
            conf: conf.to_owned(),
            leases: LEASES.to_owned(),
        };
        let of = |name| text(dhclient.client_id(name, MAC)).unwrap();
        assert_eq!(of("eth0"), "01:02:03");
        assert_eq!(of("eth1"), "6f:6e:65");
        assert_eq!(of("eth2"), BY_MAC);
        let bare = Dhclient::default().client_id(NAME, MAC);
        assert_eq!(text(bare).as_deref(), Some(BY_MAC));
    }

    #[test]
    fn dhcpcd_asks_by_what_it_was_told() {
        let dhcpcd = |argument: Option<&str>, conf: &str| Dhcpcd {
            argument: argument.map(str::to_owned),
            conf: conf.to_owned(),
            duid: "00:01:00:01:32:9e:7f:2b:52:54:00:12:34:56\n".to_owned(),
        };
        let of = |dhcpcd: Dhcpcd| text(dhcpcd.client_id(NAME, MAC));
        assert_eq!(
            of(dhcpcd(None, "hostname\nduid\n")).as_deref(),
            Some(BY_DUID)
        );
        assert_eq!(
            of(dhcpcd(None, "#duid\nclientid\n")).as_deref(),
            Some(BY_MAC)
        );
        assert_eq!(
            of(dhcpcd(Some("1:2:3"), "duid\n")).as_deref(),
            Some("01:02:03")
        );
        let text = of(dhcpcd(
            None,
            "interface eth1\nduid\ninterface eth0\nclientid ab\n",
        ));
        assert_eq!(text.as_deref(), Some("00:61:62"));
        assert_eq!(of(dhcpcd(None, "option ntp_servers\n")), None);
    }
}
