//! Which instruction made which layer.

use crate::facts::PlatformImage;
use crate::oci::{Descriptor, steps};

/// The layers of an image, base first, each with its instruction where the history names one for every layer; none where
/// the manifest is not known.
pub(super) fn layers(image: &PlatformImage) -> Option<Vec<(&Descriptor, Option<String>)>> {
    let layers = image.layers()?;
    let mut instructions = vec![None; layers.len()];
    let steps = image
        .config()
        .and_then(|config| steps(config, layers.len()));
    for step in steps.into_iter().flatten() {
        if let Some(instruction) = step.layer.and_then(|layer| instructions.get_mut(layer)) {
            *instruction = Some(step.instruction);
        }
    }
    Some(layers.iter().zip(instructions).collect())
}
