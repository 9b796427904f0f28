//! Whether the links that a node is reached by have drivers in both images that can start there.

use super::{ImageFile, Input};
use crate::image::driver::UnfitDriver;
use crate::node::network::Link;
use crate::plan::PlannedNetwork;
use crate::planner::refusal::{Refusal, RefusalCode};

/// What stands against the images on a node with this network: that an image has no such driver is not
/// known from its name, which may be another in another kernel; that one which it has cannot start is.
pub(super) fn refusals(input: &Input<'_>, network: Option<&PlannedNetwork>) -> Vec<Refusal> {
    let links = network.iter().flat_map(|planned| &planned.network.links);
    let links: Vec<&Link> = links.filter(|link| is_needed(link)).collect();
    let images = [input.jump, input.target];
    let all = images
        .iter()
        .flat_map(|image| links.iter().map(move |link| (image, link)));
    all.filter_map(|(image, link)| of_link(image, link))
        .collect()
}

/// Whether it has an address, which the two systems have to have as well.
fn is_needed(link: &Link) -> bool {
    let addresses = [&link.addresses, &link.leased, &link.advertised];
    addresses.iter().any(|addresses| !addresses.is_empty())
}

fn of_link(image: &ImageFile, link: &Link) -> Option<Refusal> {
    let driver = link.driver.as_ref()?.replace('-', "_");
    let mut unfit = image.manifest.unfit_drivers.iter();
    let unfit = unfit.find(|unfit| unfit.module == driver)?;
    let (kind, name) = (image.manifest.kind, &image.manifest.name);
    let (lacks, hint) = lacks(unfit);
    Some(Refusal::new(
        RefusalCode::DriverUnfit,
        format!(
            "{} works by the driver {driver}, and the {kind} image {name} {lacks}",
            link.name
        ),
        hint,
    ))
}

fn lacks(unfit: &UnfitDriver) -> (String, &'static str) {
    if unfit.modules.is_empty() {
        (
            format!(
                "has none of the firmware that it does not start without ({})",
                unfit.firmware.join(", ")
            ),
            "install that firmware in its golden root (Debian: `apt-file search` names the package, of non-free-firmware), exclude it no more, and build the image again",
        )
    } else {
        (
            format!(
                "leaves out what that needs: the module {}",
                unfit.modules.join(", ")
            ),
            "exclude that module no more, and build the image again",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::sample::{Sample, facts, job};
    use crate::planner::tests::codes_of;

    /// The sample's node, whose first link works by `driver`, which the image lacks something for.
    fn sample(driver: &str, firmware: &[&str], modules: &[&str]) -> Sample {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        let mut sample = Sample::of(&facts(), &job());
        sample.facts.network.links[0].driver = Some(driver.to_owned());
        sample.jump.manifest.unfit_drivers.push(UnfitDriver {
            module: "bnx2x".to_owned(),
            firmware: owned(firmware),
            modules: owned(modules),
        });
        sample
    }

    #[test]
    fn a_driver_without_its_firmware_is_refused_where_a_link_in_use_works_by_it() {
        let mut sample = sample("bnx2x", &["bnx2x/bnx2x-e2-7.13.21.0.fw"], &[]);
        let refusals = sample.planned().unwrap_err();
        assert_eq!(codes_of(&refusals), ["driver-unfit"]);
        insta::assert_snapshot!(refusals[0].message, @"ens3 works by the driver bnx2x, and the jump image jump-debian12 has none of the firmware that it does not start without (bnx2x/bnx2x-e2-7.13.21.0.fw)");
        // The new system would not be reached either.
        sample.target.manifest.unfit_drivers = sample.jump.manifest.unfit_drivers.clone();
        assert_eq!(sample.planned().unwrap_err().len(), 2);
        // A link without an address is not waited for.
        let link = &mut sample.facts.network.links[0];
        link.leased.clear();
        link.leased_routes.clear();
        link.dhcp4 = false;
        assert!(sample.planned().is_ok());
    }

    #[test]
    fn another_driver_is_no_matter() {
        assert!(
            sample("virtio_net", &["bnx2x/bnx2x-e2-7.13.21.0.fw"], &[])
                .planned()
                .is_ok()
        );
    }

    #[test]
    fn a_driver_without_a_module_that_it_needs_is_refused() {
        let refusals = sample("bnx2x", &[], &["mdio"]).planned().unwrap_err();
        assert_eq!(codes_of(&refusals), ["driver-unfit"]);
        insta::assert_snapshot!(refusals[0].message, @"ens3 works by the driver bnx2x, and the jump image jump-debian12 leaves out what that needs: the module mdio");
    }
}
