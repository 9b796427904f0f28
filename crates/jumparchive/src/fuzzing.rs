//! Doors for the fuzz targets of `tests/fuzz`: any bytes may come in, and what is asserted here
//! must hold for all of them. Compiled with `--cfg fuzzing` only.

mod image;
mod stream;

pub use image::{image, image_seed};
pub use stream::{pax, tar};
