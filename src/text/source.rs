//! The texts that ask for images, and places in them.

use std::fmt;
use std::ops::Range;

use super::{LineIndex, Position};

/// Names one [`Source`] of a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(usize);

/// A range of bytes in one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source that the bytes stand in.
    pub source: SourceId,
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl Span {
    /// The span of `range` in `source`.
    #[must_use]
    pub const fn new(source: SourceId, range: Range<usize>) -> Self {
        Self {
            source,
            start: range.start,
            end: range.end,
        }
    }

    /// The byte range, without the source.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// Where the text of a source came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A file on disk; the source's name is its path.
    File,
    /// Standard input.
    Stdin,
    /// A value of the command line, such as `--image`.
    Argument,
}

/// What kind of source a text is. The detection looks at the content, not only at the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Kubernetes objects, as YAML or JSON.
    Kubernetes,
    /// A Helm template, which is no YAML before it is rendered.
    HelmTemplate,
    /// The values of a Helm chart.
    HelmValues,
    /// A Kustomization.
    Kustomization,
    /// Compose services.
    Compose,
    /// A Dockerfile or Containerfile.
    Dockerfile,
    /// A file of variables, such as `.env`.
    Dotenv,
    /// A workflow of GitHub Actions.
    GithubWorkflow,
    /// The metadata of a GitHub action.
    GithubAction,
    /// A pipeline of GitLab CI.
    GitlabCi,
    /// A Google Cloud Build configuration.
    CloudBuild,
    /// A Skaffold configuration.
    Skaffold,
    /// A kbld configuration.
    Kbld,
    /// A Terraform plan as JSON.
    TerraformPlan,
    /// A list of node pools.
    NodePools,
    /// An image named on the command line.
    Argument,
    /// None that is known.
    Unknown,
}

impl Dialect {
    /// All dialects.
    pub const ALL: [Self; 17] = [
        Self::Kubernetes,
        Self::HelmTemplate,
        Self::HelmValues,
        Self::Kustomization,
        Self::Compose,
        Self::Dockerfile,
        Self::Dotenv,
        Self::GithubWorkflow,
        Self::GithubAction,
        Self::GitlabCi,
        Self::CloudBuild,
        Self::Skaffold,
        Self::Kbld,
        Self::TerraformPlan,
        Self::NodePools,
        Self::Argument,
        Self::Unknown,
    ];
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kubernetes => "kubernetes",
            Self::HelmTemplate => "helm-template",
            Self::HelmValues => "helm-values",
            Self::Kustomization => "kustomization",
            Self::Compose => "compose",
            Self::Dockerfile => "dockerfile",
            Self::Dotenv => "dotenv",
            Self::GithubWorkflow => "github-workflow",
            Self::GithubAction => "github-action",
            Self::GitlabCi => "gitlab-ci",
            Self::CloudBuild => "cloud-build",
            Self::Skaffold => "skaffold",
            Self::Kbld => "kbld",
            Self::TerraformPlan => "terraform-plan",
            Self::NodePools => "node-pools",
            Self::Argument => "argument",
            Self::Unknown => "unknown",
        })
    }
}

/// One text that was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as the user would write it, or a name such as `<stdin>`.
    pub name: String,
    /// The whole text, with its byte order mark where it has one.
    pub text: String,
    /// Where the text came from.
    pub origin: Origin,
}

/// All sources of one run. An id stays valid for the life of the map.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
    lines: Vec<LineIndex>,
}

impl SourceMap {
    /// Adds a source and gives its id.
    pub fn add(&mut self, source: Source) -> SourceId {
        self.lines.push(LineIndex::new(&source.text));
        self.sources.push(source);
        SourceId(self.sources.len() - 1)
    }

    /// Lets go of the text of a source in which there is nothing to show. Its id stays valid.
    pub fn forget(&mut self, id: SourceId) {
        self.sources[id.0].text = String::new();
        self.lines[id.0] = LineIndex::default();
    }

    /// The source of an id that this map gave.
    #[must_use]
    pub fn get(&self, id: SourceId) -> &Source {
        &self.sources[id.0]
    }

    /// All sources in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.sources
            .iter()
            .enumerate()
            .map(|(index, source)| (SourceId(index), source))
    }

    /// How many sources there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there is no source at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The text under a span; empty where the span does not lie on character boundaries of its source.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.source)
            .text
            .get(span.range())
            .unwrap_or_default()
    }

    /// The line index of a source.
    #[must_use]
    pub fn lines(&self, id: SourceId) -> &LineIndex {
        &self.lines[id.0]
    }

    /// Line and column of a span's first byte.
    #[must_use]
    pub fn start(&self, span: Span) -> Position {
        self.lines(span.source)
            .position(&self.get(span.source).text, span.start)
    }

    /// Line and column just behind a span's last byte.
    #[must_use]
    pub fn end(&self, span: Span) -> Position {
        self.lines(span.source)
            .position(&self.get(span.source).text, span.end)
    }
}
