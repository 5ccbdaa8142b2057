//! Finding values by their path.

use super::field::Field;
use crate::text::yaml::Node;

/// How deep `**` looks.
const MAX_DEPTH: usize = 100;
/// How many values one search may visit. Aliases can make them more than are written.
const MAX_VISITED: usize = 2_000_000;

/// Visits each value below `root` whose path is `pattern`, with its own path. In a pattern, keys are joined by `.`; `*` is
/// any key of a mapping, `[]` behind a key any item of a sequence, and `**` any number of keys and items.
pub(super) fn select<'t>(
    root: Node<'t>,
    pattern: &str,
    field: &mut Field,
    visit: &mut dyn FnMut(Node<'t>, &Field),
) {
    let steps: Vec<Step<'_>> = pattern
        .split('.')
        .flat_map(|segment| match segment.strip_suffix("[]") {
            Some(key) => [Some(Step::Key(key)), Some(Step::Item)],
            None => [Some(Step::of(segment)), None],
        })
        .flatten()
        .collect();
    let mut search = Search {
        budget: MAX_VISITED,
        visit,
    };
    search.follow(root, &steps, field, 0);
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Key(&'p str),
    AnyKey,
    Item,
    Anywhere,
}

impl<'p> Step<'p> {
    fn of(segment: &'p str) -> Self {
        match segment {
            "*" => Self::AnyKey,
            "**" => Self::Anywhere,
            key => Self::Key(key),
        }
    }
}

struct Search<'v, 't> {
    budget: usize,
    visit: &'v mut dyn FnMut(Node<'t>, &Field),
}

impl<'t> Search<'_, 't> {
    fn follow(&mut self, node: Node<'t>, steps: &[Step<'_>], field: &mut Field, depth: usize) {
        let Some(budget) = self.budget.checked_sub(1) else {
            return;
        };
        self.budget = budget;
        let Some((step, rest)) = steps.split_first() else {
            (self.visit)(node, field);
            return;
        };
        match step {
            Step::Key(key) => {
                for value in node.get_all(key) {
                    field.key(key, |field| self.follow(value, rest, field, depth));
                }
            }
            Step::AnyKey => self.each_field(node, rest, field, depth),
            Step::Item => self.each_item(node, rest, field, depth),
            Step::Anywhere => {
                self.follow(node, rest, field, depth);
                if depth < MAX_DEPTH {
                    self.each_field(node, steps, field, depth + 1);
                    self.each_item(node, steps, field, depth + 1);
                }
            }
        }
    }

    fn each_field(&mut self, node: Node<'t>, steps: &[Step<'_>], field: &mut Field, depth: usize) {
        for (key, value) in node.fields() {
            let key = key.as_str().unwrap_or_default();
            field.key(key, |field| self.follow(value, steps, field, depth));
        }
    }

    fn each_item(&mut self, node: Node<'t>, steps: &[Step<'_>], field: &mut Field, depth: usize) {
        for (index, item) in node.items().enumerate() {
            field.item(index, |field| self.follow(item, steps, field, depth));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::yaml::documents;

    fn paths(text: &str, pattern: &str) -> Vec<String> {
        let document = documents(text).next().expect("a document");
        let tree = document.parse().expect("YAML");
        let mut paths = Vec::new();
        select(
            tree.root(),
            pattern,
            &mut Field::default(),
            &mut |_, field| {
                paths.push(field.as_str().to_owned());
            },
        );
        paths
    }

    #[test]
    fn keys_items_and_wildcards_lead_to_values() {
        let text = "{a: {x: {i: 1}, y: {i: 2}}, l: [{i: 3}, {i: 4}]}";
        assert_eq!(paths(text, "a.x.i"), ["a.x.i"]);
        assert_eq!(paths(text, "a.*.i"), ["a.x.i", "a.y.i"]);
        assert_eq!(paths(text, "l[].i"), ["l[0].i", "l[1].i"]);
        assert_eq!(paths(text, "**.i"), ["a.x.i", "a.y.i", "l[0].i", "l[1].i"]);
        assert_eq!(paths(text, "l.i"), [""; 0]);
    }

    #[test]
    fn aliases_that_multiply_end() {
        let levels = (1..40).map(|level| {
            let last = level - 1;
            format!("a{level}: &a{level} [*a{last}, *a{last}, *a{last}]\n")
        });
        let text: String = std::iter::once("a0: &a0 {i: 1}\n".to_owned())
            .chain(levels)
            .collect();
        assert!(paths(&text, "**.none").is_empty());
    }
}
