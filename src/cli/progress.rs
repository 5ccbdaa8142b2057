//! The line that says what a run is waiting for.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::arguments::Progress as When;
use super::terminal;
use crate::lint::Progress;

/// How often the line shows that the program is alive.
const TICK: Duration = Duration::from_millis(100);

/// One line on standard error. There is none where that is no terminal or a dumb one, and it goes when the report comes.
pub(super) struct ProgressLine(ProgressBar);

impl ProgressLine {
    pub fn new(when: When) -> Self {
        let target = match when {
            // Draws only on a terminal that is not dumb.
            When::Auto => ProgressDrawTarget::stderr(),
            When::Never => ProgressDrawTarget::hidden(),
        };
        let line = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            let signs = if terminal::shows_unicode() {
                "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "
            } else {
                "|/-\\ "
            };
            line.set_style(style.tick_chars(signs));
        }
        if !line.is_hidden() {
            line.enable_steady_tick(TICK);
        }
        Self(line)
    }

    pub fn show(&self, at: Progress<'_>) {
        self.0.set_message(words(at));
    }

    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// The line for what a run is at. It is cut at the width of the terminal, so what matters most stands first.
fn words(at: Progress<'_>) -> String {
    match at {
        Progress::Reading => "reading sources".to_owned(),
        Progress::Asking {
            done,
            total,
            longest: Some(longest),
        } => format!("{done} of {total} images, waiting for {longest}"),
        Progress::Asking { done, total, .. } => format!("{done} of {total} images"),
        Progress::Unpacking { done, total } => format!("{done} of {total} layers"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_what_is_waited_for_and_how_much_is_left() {
        let image = "ghcr.io/team/app:1".parse().expect("a reference");
        let asking = |longest| Progress::Asking {
            done: 3,
            total: 40,
            longest,
        };
        for (at, line) in [
            (Progress::Reading, "reading sources"),
            (
                asking(Some(&image)),
                "3 of 40 images, waiting for ghcr.io/team/app:1",
            ),
            (asking(None), "3 of 40 images"),
            (Progress::Unpacking { done: 1, total: 8 }, "1 of 8 layers"),
        ] {
            assert_eq!(words(at), line);
        }
    }
}
