use super::{Finding, declare_rule};
use crate::facts::Depth;
use crate::finding::Severity;
use crate::text::Span;

declare_rule! {
    /// ## What it does
    /// Reports an ignore, in a comment or in the config file, that takes no finding away, that has expired, or that names no
    /// rule there is. It is silent where the run could not tell: about a rule that is off, an image that was not asked for,
    /// or a rule that needs node pools where none were given.
    ///
    /// ## Why it matters
    /// An ignore outlives its reason. It then hides the next mistake at its place, which is another one.
    ///
    /// ## What the cluster would show
    /// Nothing: the comment is for this program alone.
    ///
    /// ## How to fix it
    /// Remove the ignore, or the rule from its list: `# oci-preflight: ignore[latest-tag] reason`. In the config file, remove
    /// the `[[ignore]]`, or set a later `expires`.
    id: "unused-ignore",
    summary: "an ignore matches nothing, has expired, or names no rule",
    severity: Some(Severity::Note),
    needs: Depth::Reference,
    event: None,
    // The pipeline judges ignores once all other rules have spoken.
    check: |_| Vec::new(),
    check_pool: |_| Vec::new(),
}

/// The finding about an ignore that stands at `place`.
#[must_use]
pub fn unused_ignore(place: Span, message: String, help: String) -> Finding {
    Finding {
        rule: RULE.id,
        severity: Severity::Note,
        message,
        reference: None,
        places: vec![place],
        help: Some(help),
        event: None,
        node_pools: Vec::new(),
        layers: None,
    }
}
