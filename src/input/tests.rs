//! Folders as they come.

use super::*;
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

/// The names that were read, below `folder`, and the messages of the errors.
fn names(folder: &TempDir, paths: &[&str]) -> (Vec<String>, Vec<String>) {
    let paths: Vec<PathBuf> = paths.iter().map(|path| folder.path().join(path)).collect();
    let prefix = format!("{}/", folder.path().display());
    let mut names = Vec::new();
    let mut errors = Vec::new();
    for source in read(&paths) {
        match source {
            Ok(source) => names.push(source.name.replace(&prefix, "")),
            Err(error) => errors.push(error.to_string().replace(&prefix, "")),
        }
    }
    (names, errors)
}

#[test]
fn a_folder_gives_its_yaml_and_json_by_name() {
    let folder = folder(&[
        ("b.yml", ""),
        ("a/z.JSON", ""),
        ("a/b.yaml", ""),
        ("c.txt", ""),
    ]);
    let (names, errors) = names(&folder, &[""]);
    assert_eq!(names, ["a/b.yaml", "a/z.JSON", "b.yml"]);
    assert_eq!(errors, [""; 0]);
}

#[test]
fn gitignore_holds_without_a_repository_and_hidden_folders_are_read() {
    let folder = folder(&[
        (".gitignore", "out/\n"),
        ("out/a.yaml", ""),
        (".github/workflows/b.yml", ""),
        (".git/c.yaml", ""),
        (".ignore", "d.yaml"),
        ("d.yaml", ""),
    ]);
    assert_eq!(
        names(&folder, &[""]).0,
        [".github/workflows/b.yml", "d.yaml"]
    );
}

#[test]
fn what_is_excluded_is_not_listed_but_for_what_is_named() {
    let folder = folder(&[
        ("a.yaml", ""),
        ("charts/b.yaml", ""),
        ("deep/charts/c.yaml", ""),
        ("deep/d.yaml", ""),
    ]);
    let listed = |paths: &[&str], patterns: &[&str]| -> Vec<String> {
        let paths: Vec<_> = paths.iter().map(|path| folder.path().join(path)).collect();
        let excludes: Vec<_> = patterns
            .iter()
            .map(|pattern| Exclude::new(folder.path(), pattern).expect("a pattern"))
            .collect();
        let files = list(&paths, &excludes).into_iter().map(Result::unwrap);
        let below = |file: PathBuf| file.strip_prefix(folder.path()).expect("below").to_owned();
        files
            .map(|file| below(file).display().to_string())
            .collect()
    };
    assert_eq!(listed(&[""], &["charts/"]), ["a.yaml", "deep/d.yaml"]);
    assert_eq!(
        listed(&[""], &["/charts/", "deep/*.yaml"]),
        ["a.yaml", "deep/charts/c.yaml"]
    );
    assert_eq!(listed(&["a.yaml"], &["a.yaml"]), ["a.yaml"]);
}

#[test]
fn a_named_file_is_read_whatever_its_name_and_once() {
    let folder = folder(&[(".gitignore", "*"), ("a.txt", ""), ("b/c.yaml", "")]);
    let paths = ["a.txt", "b/../a.txt", "b/c.yaml"];
    assert_eq!(names(&folder, &paths).0, ["a.txt", "b/c.yaml"]);
}

#[test]
fn links_are_followed_and_loops_are_not() {
    let folder = folder(&[("real/a.yaml", "")]);
    let real = folder.path().join("real");
    symlink(&real, folder.path().join("real/back")).expect("a link");
    symlink(real.join("a.yaml"), folder.path().join("link.yaml")).expect("a link");
    symlink(folder.path().join("nowhere"), folder.path().join("z.yaml")).expect("a link");
    let (names, errors) = names(&folder, &[""]);
    assert_eq!(names, ["link.yaml"]);
    assert_eq!(
        errors,
        ["z.yaml: no such file or folder; check the spelling and the current folder"]
    );
}

#[test]
fn what_is_not_there_and_what_is_empty_is_named_and_the_rest_is_read() {
    let folder = folder(&[("a.yaml", ""), ("empty/b.txt", "")]);
    let (names, errors) = names(&folder, &["none", "empty", "a.yaml"]);
    assert_eq!(names, ["a.yaml"]);
    assert!(errors[0].starts_with("none: no such file"), "{errors:?}");
    assert!(errors[1].starts_with("empty: no source"), "{errors:?}");
}

#[test]
fn other_encodings_are_named_with_what_to_do() {
    let folder = folder(&[]);
    fs::write(folder.path().join("a.yaml"), b"\xff\xfea\0").expect("a file");
    fs::write(folder.path().join("b.yaml"), b"a: 1\nb: \xe4\n").expect("a file");
    let (_, errors) = names(&folder, &["a.yaml", "b.yaml"]);
    assert!(
        errors[0].contains("a.yaml: the text is UTF-16; save it as UTF-8"),
        "{errors:?}"
    );
    assert!(
        errors[1].contains("b.yaml: line 2 is not UTF-8"),
        "{errors:?}"
    );
}

#[test]
fn a_text_without_end_is_refused() {
    let error = read_text("endless", io::repeat(b'a')).expect_err("an error");
    assert!(matches!(error, InputError::TooLarge(_)));
}

#[test]
fn a_file_that_changes_while_it_is_read_gives_what_was_there() {
    let grown = read_text("a.yaml", (&b"a: 1\n"[..]).chain(&b"kind: Pod\n"[..]));
    assert_eq!(grown.expect("a text"), "a: 1\nkind: Pod\n");
    let cut = read_text("a.yaml", (&b"a: 1\nb: \xc3"[..]).chain(&b"\n"[..]));
    let error = cut.expect_err("half a character").to_string();
    assert!(error.contains("a.yaml: line 2 is not UTF-8"), "{error}");
}

#[test]
fn standard_input_is_a_source_of_its_own() {
    let source = read_stdin("a: 1".as_bytes()).expect("a source");
    assert_eq!(
        (source.name.as_str(), source.origin),
        ("<stdin>", Origin::Stdin)
    );
}

#[test]
fn names_are_as_the_user_would_write_them() {
    assert_eq!(name(Path::new("./k8s/a.yaml")), "k8s/a.yaml");
    assert_eq!(name(Path::new("k8s/a.yaml")), "k8s/a.yaml");
    assert_eq!(name(Path::new(".")), ".");
    assert_eq!(name(Path::new("/k8s/a.yaml")), "/k8s/a.yaml");
}

#[test]
fn dockerfiles_templates_and_variables_are_sources_by_their_name() {
    for name in [
        "Dockerfile",
        "Dockerfile.debug",
        "x.Dockerfile",
        "Containerfile",
        "a.yaml.tmpl",
        "k8s.yml.template",
        "a.yaml.injected",
        ".env",
        "prod.env",
    ] {
        assert!(is_source_name(Path::new(name)), "{name}");
    }
    for name in ["a.txt", "Dockerfiles", "main.tmpl", "environment", "yaml"] {
        assert!(!is_source_name(Path::new(name)), "{name}");
    }
}
