//! `oci-preflight merge`.

use super::arguments::{Color, MergeArguments};
use super::destination::Destination;
use super::lint::deliver;
use crate::merge::merge;
use crate::report::Detail;
use crate::settings::FailOn;

/// Joins reports. Gives the exit status.
pub(super) fn run(arguments: MergeArguments, color: Color) -> miette::Result<u8> {
    let report = merge(&arguments.reports, arguments.fail_on.map(FailOn::severity))?;
    let destinations = Destination::open_all(arguments.outputs)?;
    let detail = Detail::of(arguments.quiet, arguments.verbose);
    deliver(&report, destinations, detail, color)
}
