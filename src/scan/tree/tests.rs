use super::super::archive::{Member, MemberKind};
use super::super::dive::Dive;
use super::super::entries::Collector;
use super::*;

/// A layer of lines: `a/b 12` a file, `a/` a folder, `a -> b` a symbolic link, `a = b` a hard link, and whiteouts by name.
fn layer(lines: &[&str]) -> Entries {
    let mut collector = Collector::default();
    for line in lines {
        let (path, kind, bytes, target) = if let Some((path, target)) = line.split_once(" -> ") {
            (path, MemberKind::Symlink, 0, target)
        } else if let Some((path, target)) = line.split_once(" = ") {
            (path, MemberKind::HardLink, 0, target)
        } else if let Some((path, bytes)) = line.split_once(' ') {
            (path, MemberKind::File, bytes.parse().expect(line), "")
        } else if line.ends_with('/') {
            (*line, MemberKind::Folder, 0, "")
        } else {
            (*line, MemberKind::File, 0, "")
        };
        let member = Member {
            path: path.into(),
            kind,
            bytes,
            target: target.into(),
            head: Vec::new(),
        };
        collector.add(&member).expect("few");
    }
    collector.finish()
}

fn laid(layers: &[&[&str]]) -> Tree {
    let mut tree = Tree::default();
    for (number, lines) in (0..).zip(layers) {
        tree.lay(number, &layer(lines));
    }
    tree
}

/// What is hidden: path, bytes, the two layers, and how.
fn hidden(layers: &[&[&str]]) -> Vec<String> {
    let tree = laid(layers);
    let mut lines: Vec<String> = tree
        .hidden
        .iter()
        .map(|hidden| {
            let how = if hidden.deleted {
                "deleted"
            } else {
                "stored again"
            };
            format!(
                "{} {} {}->{} {how}",
                tree.paths.shown(hidden.at),
                hidden.bytes,
                hidden.stored_in,
                hidden.covered_by
            )
        })
        .collect();
    lines.sort();
    lines
}

fn visible(tree: &Tree, path: &str) -> Option<u64> {
    match tree.seen(tree.find(path.as_bytes(), true)?) {
        Seen::File(number) => Some(tree.stored(number)?.bytes),
        _ => None,
    }
}

#[test]
fn each_copy_but_the_last_is_hidden() {
    assert_eq!(
        hidden(&[&["a 10", "b 5"], &["a 20"], &["a 30"]]),
        ["a 10 0->1 stored again", "a 20 1->2 stored again"]
    );
    assert_eq!(hidden(&[&["a 10", "a 11"]]), ["a 10 0->0 stored again"]);
}

#[test]
fn whiteouts_delete_files_and_folders_of_lower_layers_only() {
    assert_eq!(
        hidden(&[
            &["d/", "d/a 1", "d/e/b 2", "c 4"],
            &["d/.wh.e", ".wh.c", "c 8"]
        ]),
        ["c 4 0->1 deleted", "d/e 2 0->1 deleted"]
    );
    // The whiteout stands behind what its own layer adds, and is about what is below.
    let tree = laid(&[&["a 1"], &["a 2", ".wh.a"]]);
    assert_eq!(visible(&tree, "a"), Some(2));
    assert_eq!(tree.hidden.len(), 1);
}

#[test]
fn opaque_whiteouts_empty_a_folder_of_lower_layers() {
    let layers: &[&[&str]] = &[&["d/a 1", "d/b 2"], &["d/", "d/a 4", "d/.wh..wh..opq"]];
    assert_eq!(hidden(layers), ["d 1 0->1 deleted", "d 2 0->1 deleted"]);
    assert_eq!(visible(&laid(layers), "d/a"), Some(4));
    assert_eq!(visible(&laid(layers), "d/b"), None);
}

#[test]
fn kinds_replace_each_other() {
    assert_eq!(
        hidden(&[&["d/a 1", "d/b 2"], &["d 7"], &["d/"]]),
        [
            "d 1 0->1 stored again",
            "d 2 0->1 stored again",
            "d 7 1->2 stored again"
        ]
    );
    assert_eq!(hidden(&[&["d/", "d/a 1"], &["d/"]]), [] as [&str; 0]);
}

#[test]
fn a_file_with_two_names_is_hidden_with_the_second() {
    assert_eq!(hidden(&[&["a 9", "b = a"], &[".wh.a"]]), [] as [&str; 0]);
    assert_eq!(
        hidden(&[&["a 9", "b = a"], &[".wh.a"], &["b 1"]]),
        ["b 9 0->2 stored again"]
    );
}

#[test]
fn links_are_followed_inside_the_image() {
    let tree = laid(&[
        &[
            "usr/bin/",
            "bin -> usr/bin",
            "usr/bin/dash 5",
            "usr/bin/sh -> dash",
        ],
        &[
            "bin/tool 7",
            "up -> ../../../usr/bin/dash",
            "loop -> loop",
            "lib64 -> /usr/lib64",
        ],
    ]);
    assert_eq!(visible(&tree, "bin/sh"), Some(5));
    assert_eq!(visible(&tree, "usr/bin/tool"), Some(7));
    assert_eq!(visible(&tree, "/up"), Some(5));
    assert_eq!(visible(&tree, "loop"), None);
    assert_eq!(visible(&tree, "lib64/ld.so"), None);
    assert!(
        tree.find(b"bin", false)
            .is_some_and(|id| matches!(tree.seen(id), Seen::Symlink(_)))
    );
}

/// Wasted bytes, and the sums behind the efficiency.
fn dive(layers: &[&[&str]]) -> (u64, u64, u64) {
    let mut paths = Paths::default();
    let mut dive = Dive::default();
    for lines in layers {
        dive.add(&mut paths, &layer(lines));
    }
    let figure = dive.figure();
    (figure.wasted.0, figure.smallest.0, figure.discovered.0)
}

#[test]
fn dive_counts_all_copies_and_knows_no_opaque_whiteouts() {
    assert_eq!(dive(&[&["a 10", "b 5"], &["a 20"]]), (30, 15, 35));
    // The whiteout of a file counts nothing, and that of a folder what is below it.
    assert_eq!(dive(&[&["a 10"], &[".wh.a"]]), (10, 0, 10));
    assert_eq!(dive(&[&["d/", "d/a 10", "d/b 5"], &[".wh.d"]]), (0, 30, 30));
    assert_eq!(
        dive(&[&["d/", "d/a 10"], &["d/", "d/.wh..wh..opq"]]),
        (0, 10, 10)
    );
}
