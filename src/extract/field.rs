//! The path of a field in its document.

/// A path that grows and shrinks as a document is walked, such as `spec.containers[0].image`.
#[derive(Debug, Default, Clone)]
pub(super) struct Field(String);

impl Field {
    /// The path as it stands.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of the last mapping on the path, behind any item.
    pub fn last_key(&self) -> &str {
        let path = self
            .0
            .trim_end_matches(|c: char| matches!(c, '[' | ']') || c.is_ascii_digit());
        path.rsplit('.').next().unwrap_or_default()
    }

    /// Whether the path ends at an item of a sequence.
    pub fn is_item(&self) -> bool {
        self.0.ends_with(']') && !self.0.ends_with("']")
    }

    /// Does `work` one key further down. A key that would be ambiguous is quoted: `data['a.b']`.
    pub fn key<T>(&mut self, key: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
        let segment = if key.is_empty() || !key.chars().all(is_plain) {
            format!("['{key}']")
        } else if self.0.is_empty() {
            key.to_owned()
        } else {
            format!(".{key}")
        };
        self.segment(&segment, work)
    }

    /// Does `work` in an item of a sequence.
    pub fn item<T>(&mut self, index: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        self.segment(&format!("[{index}]"), work)
    }

    fn segment<T>(&mut self, segment: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.0.len();
        self.0.push_str(segment);
        let result = work(self);
        self.0.truncate(length);
        result
    }
}
