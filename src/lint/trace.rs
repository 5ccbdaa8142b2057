//! From an image in a rendered text to the place in a file that it comes from.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::extract::extract;
use crate::input;
use crate::render::{Kind, Unit};
use crate::settings::Settings;
use crate::text::{SourceId, SourceMap, Span};
use crate::workload::{Occurrence, Role};

/// The comment that Helm writes above what a template made.
const SOURCE: &str = "# Source: ";

/// The key that templates write images behind.
const KEY: &str = "image:";

/// The files that a render is made of.
pub(super) struct Files {
    /// The file that makes the folder a chart or Kustomization.
    pub root: SourceId,
    /// The images that stand in them, but for templates.
    written: Vec<Occurrence>,
    /// The templates that were looked at.
    templates: HashMap<PathBuf, Option<SourceId>>,
}

impl Files {
    /// Reads the values of a chart, or all files of a Kustomization.
    pub fn read(unit: &Unit, settings: &Settings, sources: &mut SourceMap) -> Self {
        let own = unit.covers.iter().filter(|file| match unit.kind {
            Kind::Chart => **file == unit.folder.join("values.yaml"),
            Kind::Kustomization => true,
        });
        let given = settings
            .rendering
            .iter()
            .flat_map(|rendering| &rendering.values);
        let given = given.filter(|_| unit.kind == Kind::Chart);
        let mut written = Vec::new();
        for source in own
            .chain(given)
            .filter_map(|file| input::read_path(file).ok())
        {
            let id = sources.add(source);
            written.extend(extract(id, sources.get(id)).occurrences);
        }
        let root = input::read_path(&unit.file).unwrap_or_else(|_| crate::text::Source {
            name: input::name(&unit.file),
            text: String::new(),
            origin: crate::text::Origin::File,
        });
        Self {
            root: sources.add(root),
            written,
            templates: HashMap::new(),
        }
    }

    /// The source of a template; none where it stands in no file, as those of packed charts.
    fn template(&mut self, path: PathBuf, sources: &mut SourceMap) -> Option<SourceId> {
        *self.templates.entry(path).or_insert_with_key(|path| {
            let source = input::read_path(path).ok()?;
            Some(sources.add(source))
        })
    }

    /// The one place that `image` is written at; none where there are several.
    fn place_of(&self, image: &Occurrence) -> Option<&Occurrence> {
        let same: Vec<_> = self
            .written
            .iter()
            .filter(|written| is_same(written, image))
            .collect();
        let of_workload = same.iter().copied().filter(|written| {
            written.container == image.container && written.owner.name == image.owner.name
        });
        single(same.iter().copied()).or_else(|| single(of_workload))
    }
}

/// The same image at the place in a file that it comes from: where it is written, else in the template that made it, else at
/// the beginning of the file of the folder.
pub(super) fn trace(
    image: Occurrence,
    rendered: &str,
    unit: &Unit,
    files: &mut Files,
    sources: &mut SourceMap,
) -> Occurrence {
    if let Some(place) = files.place_of(&image) {
        return Occurrence {
            written: place.written.clone(),
            span: place.span,
            ..image
        };
    }
    let template = template_of(rendered, image.span.start)
        .and_then(|path| files.template(unit.folder.join(path), sources));
    let id = template.unwrap_or(files.root);
    let text = &sources.get(id).text;
    let range = template
        .and_then(|_| line_of(text, &image.written))
        .unwrap_or(0..text.lines().next().unwrap_or_default().len());
    Occurrence {
        written: text[range.clone()].to_owned(),
        span: Span::new(id, range),
        ..image
    }
}

/// Whether what is written is what was rendered. A name that is completed is rendered with a tag or digest behind it.
fn is_same(written: &Occurrence, rendered: &Occurrence) -> bool {
    if written.role == Role::Provisional {
        let rest = rendered.value.strip_prefix(&written.value);
        return rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '@']));
    }
    match (&written.reference, &rendered.reference) {
        (Ok(written), Ok(rendered)) => written.to_string() == rendered.to_string(),
        _ => written.value == rendered.value,
    }
}

fn single<'a>(mut places: impl Iterator<Item = &'a Occurrence>) -> Option<&'a Occurrence> {
    let first = places.next()?;
    places
        .all(|place| place.span == first.span)
        .then_some(first)
}

/// The template that made what stands at `offset`, below the folder of the chart: the comment names the chart first.
fn template_of(rendered: &str, offset: usize) -> Option<PathBuf> {
    let before = rendered.get(..offset)?;
    let at = before.rfind(SOURCE)?;
    let (_, path) = before[at + SOURCE.len()..]
        .lines()
        .next()?
        .split_once('/')?;
    let is_below = !path.split('/').any(|part| part == "..");
    is_below.then(|| PathBuf::from(path))
}

/// Where a template writes an image: the one line with that text, else the one line with an image.
fn line_of(template: &str, written: &str) -> Option<std::ops::Range<usize>> {
    let one = |places: Vec<std::ops::Range<usize>>| match places.as_slice() {
        [place] => Some(place.clone()),
        _ => None,
    };
    let literal = template.match_indices(written);
    let literal = literal.map(|(at, found)| at..at + found.len()).collect();
    let keys = template.match_indices(KEY).filter_map(|(at, _)| {
        let line = template[..at].rsplit('\n').next()?;
        line.trim_start_matches([' ', '-'])
            .is_empty()
            .then_some(())?;
        let rest = template[at + KEY.len()..].lines().next()?;
        let value = rest.trim();
        let start = at + KEY.len() + (rest.len() - rest.trim_start().len());
        (!value.is_empty()).then(|| start..start + value.len())
    });
    one(literal).or_else(|| one(keys.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_that_of_the_comment_above() {
        let text = "---\n# Source: shop/templates/a.yaml\nx\n---\n# Source: shop/charts/db/templates/b.yaml\ny\n";
        let path = |letter| template_of(text, text.find(letter).expect("the letter"));
        assert_eq!(path("x\n"), Some(PathBuf::from("templates/a.yaml")));
        assert_eq!(
            path("y\n"),
            Some(PathBuf::from("charts/db/templates/b.yaml"))
        );
        assert_eq!(template_of("# Source: x/../../y\nz", 20), None);
        assert_eq!(template_of("z", 0), None);
    }

    #[test]
    fn an_image_stands_on_the_line_that_has_it_or_on_the_only_one() {
        let one = "a: 1\n  - image: {{ .Values.image }}\n";
        let line = |text: &str, written| line_of(text, written).map(|range| text[range].to_owned());
        assert_eq!(line(one, "a:1").as_deref(), Some("{{ .Values.image }}"));
        let two = "image: {{ .Values.image }}\nimage: b:2\n";
        assert_eq!(line(two, "b:2").as_deref(), Some("b:2"));
        assert_eq!(line(two, "c:3"), None);
    }
}
