use proptest::prelude::*;

use super::*;

/// A header block with this name, kind and size field.
fn header(name: &[u8], kind: u8, size: &[u8]) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0000755\0");
    block[124..124 + size.len()].copy_from_slice(size);
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    summed(block)
}

fn summed(mut block: Vec<u8>) -> Vec<u8> {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// A member with its content.
fn member(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, kind, format!("{:011o}\0", content.len()).as_bytes());
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

fn records(records: &[(&str, &str)]) -> Vec<u8> {
    let mut text = Vec::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n");
        let mut length = rest.len() + 1;
        while format!("{length}{rest}").len() != length {
            length += 1;
        }
        text.extend(format!("{length}{rest}").into_bytes());
    }
    text
}

/// The members in words, or the fault; fed in pieces of that size.
fn walked(archive: &[u8], piece: usize) -> Result<Vec<String>, ArchiveFault> {
    let mut walk = Walk::default();
    let mut members = Vec::new();
    for piece in archive.chunks(piece) {
        walk.feed(piece, &mut |member: &Member| {
            let words = format!(
                "{:?} {} {}",
                member.kind,
                String::from_utf8_lossy(&member.path),
                member.bytes
            );
            members.push(match member.target.as_slice() {
                b"" => words,
                target => format!("{words} -> {}", String::from_utf8_lossy(target)),
            });
            Ok::<_, ArchiveFault>(())
        })?;
    }
    walk.finish().map(|()| members)
}

#[track_caller]
fn assert_walked(archive: &[u8], expected: &[&str]) {
    for piece in [1, 7, 512, 100_000] {
        let found = walked(archive, piece).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(found, expected, "in pieces of {piece}");
    }
}

#[test]
fn members_are_shown_with_their_real_names_and_sizes() {
    let archive = [
        member(b"usr/", b'5', b""),
        member(b"usr/a", b'0', &[1; 513]),
        member(
            b"././@LongLink",
            b'L',
            &[b"long/".repeat(40), b"\0".to_vec()].concat(),
        ),
        member(b"short", 0, b"x"),
        member(b"x", b'x', &records(&[("path", "pax/ü"), ("mtime", "1.5")])),
        member(b"short", b'0', b"xy"),
        member(b"old/folder/", 0, b""),
        vec![0; 1024],
        b"whatever follows".to_vec(),
    ]
    .concat();
    let long = format!("File {} 1", "long/".repeat(40));
    // A path that ends like a folder's is one.
    let long = long.replace("File", "Folder").replace(" 1", " 0");
    assert_walked(
        &archive,
        &[
            "Folder usr/ 0",
            "File usr/a 513",
            &long,
            "File pax/ü 2",
            "Folder old/folder/ 0",
        ],
    );
}

#[test]
fn links_have_targets_and_no_content() {
    let mut link = header(b"b", b'1', b"00000000144\0");
    link[157..160].copy_from_slice(b"a/x");
    let archive = [
        summed(link),
        member(b"x", b'x', &records(&[("linkpath", "/usr/bin/tool")])),
        header(b"c", b'2', b"00000000000\0"),
        header(b"null", b'3', b"00000000000\0"),
    ]
    .concat();
    assert_walked(
        &archive,
        &[
            "HardLink b 0 -> a/x",
            "Symlink c 0 -> /usr/bin/tool",
            "Device null 0",
        ],
    );
}

#[test]
fn sparse_files_count_with_their_holes() {
    let mut old = member(b"old", b'S', b"data");
    old[257..265].copy_from_slice(b"ustar  \0");
    old[482] = 1;
    old[483..495].copy_from_slice(b"00000100000\0");
    let fixed = summed(old[..BLOCK].to_vec());
    let archive = [
        fixed,
        vec![0; BLOCK],
        old[BLOCK..].to_vec(),
        member(
            b"x",
            b'x',
            &records(&[
                ("GNU.sparse.major", "1"),
                ("GNU.sparse.name", "new"),
                ("GNU.sparse.realsize", "5000000000"),
            ]),
        ),
        member(b"GNUSparseFile.0/new", b'0', &[b'0'; 600]),
        member(
            b"x",
            b'x',
            &records(&[("GNU.sparse.size", "77"), ("GNU.sparse.map", "0,1")]),
        ),
        member(b"middle", b'0', b"d"),
    ]
    .concat();
    assert_walked(
        &archive,
        &["File old 32768", "File new 5000000000", "File middle 77"],
    );
}

#[test]
fn sizes_may_be_binary_and_in_extended_headers() {
    let mut size = vec![0x80];
    size.extend([0; 3]);
    size.extend(3_u64.to_be_bytes());
    let mut binary = header(b"binary", b'0', &size);
    binary.extend([1; 512]);
    let archive = [
        binary,
        member(b"x", b'x', &records(&[("size", "3")])),
        header(b"extended", b'0', b"00000000000\0"),
        vec![1; BLOCK],
    ]
    .concat();
    assert_walked(&archive, &["File binary 3", "File extended 3"]);
}

#[test]
fn absurd_archives_are_refused_by_name() {
    let mut negative = vec![0xff; 12];
    negative[11] = 0xfe;
    let long_name = [member(b"l", b'L', &[b'a'; 5000]), member(b"a", b'0', b"")].concat();
    let long_part = [
        member(b"x", b'x', &records(&[("path", &"a".repeat(256))])),
        member(b"a", b'0', b""),
    ]
    .concat();
    let mut broken_sum = member(b"a", b'0', b"");
    broken_sum[0] = b'b';
    for (archive, words) in [
        (header(b"a", b'0', &negative), "invalid tar header"),
        (header(b"a", b'0', b"0000000000x\0"), "invalid tar header"),
        (broken_sum, "invalid tar header"),
        (b"no archive at all".repeat(40), "invalid tar header"),
        (member(b"a", b'V', b""), "unhandled tar header type 86"),
        (
            header(b"l", b'L', b"77777777777\0"),
            "header field too long",
        ),
        (
            header(b"x", b'x', b"00100000001\0"),
            "header field too long",
        ),
        (long_name, "file name too long (5000 bytes)"),
        (long_part, "file name too long (256 bytes)"),
        (member(b"x", b'x', b"not records"), "invalid tar header"),
        (member(b"a", b'0', b"abc")[..515].to_vec(), "unexpected EOF"),
        (member(b"a", b'0', b"")[..100].to_vec(), "unexpected EOF"),
        (
            [vec![0; 512], member(b"a", b'0', b"")].concat(),
            "invalid tar header",
        ),
    ] {
        let fault = walked(&archive, 4096).expect_err(words).to_string();
        assert!(fault.contains(words), "{words}: {fault}");
    }
}

#[test]
fn extended_headers_without_end_take_no_memory() {
    let endless = member(b"x", b'x', &records(&[("comment", &"y".repeat(900))]));
    let mut walk = Walk::default();
    for _ in 0..10_000 {
        let visit = &mut |_: &Member| Ok::<_, ArchiveFault>(());
        walk.feed(&endless, visit).expect("headers");
    }
    assert!(walk.special.capacity() < 10_000);
}

#[test]
fn an_independent_writer_is_understood() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut expected = Vec::new();
    for number in 0..50_usize {
        let path = format!("{}file{number}", "folder/".repeat(number));
        let mut header = tar::Header::new_gnu();
        header.set_size(number as u64 * 37);
        header.set_mode(0o644);
        header.set_cksum();
        let content = vec![7; number * 37];
        builder
            .append_data(&mut header, &path, content.as_slice())
            .expect("a member");
        expected.push(format!("File {path} {}", number * 37));
    }
    let archive = builder.into_inner().expect("an archive");
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    assert_walked(&archive, &expected);
}

proptest! {
    #[test]
    fn any_bytes_are_walked_or_refused(bytes: Vec<u8>, piece in 1..600_usize) {
        let _ = walked(&bytes, piece);
    }

    #[test]
    fn pieces_make_no_difference(contents: Vec<Vec<u8>>, piece in 1..2000_usize) {
        let archive: Vec<u8> = contents.iter().flat_map(|content| member(b"a", b'0', content)).collect();
        prop_assert_eq!(walked(&archive, piece), walked(&archive, usize::MAX));
    }
}
