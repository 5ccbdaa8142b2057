use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

const LIMITS: Limits = Limits {
    unpacked: 40_000_000,
    ratio: 100,
    ratio_from: 1_000_000,
};

/// An archive of one file with this content.
fn archive(content: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    builder
        .append_data(&mut header, "app/file", content)
        .expect("a member");
    builder.into_inner().expect("an archive")
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(content, 3).expect("memory")
}

fn expected(blob: &[u8]) -> Expected {
    Expected {
        digest: Digest::sha256_of(blob),
        size: Bytes(blob.len() as u64),
        limits: LIMITS,
    }
}

/// What becomes of a blob, both ways of reading it being one.
#[track_caller]
fn read(blob: &[u8], expected: &Expected) -> Result<LayerFacts, Damage> {
    let [alone, pipelined] = [false, true].map(|pipelined| {
        read_layer(blob, expected, pipelined).map_err(|stop| match stop {
            Stop::Damage(damage) => damage,
            Stop::Missing(answer) => panic!("{answer:?}"),
        })
    });
    match (&alone, &pipelined) {
        // How far a bomb was read may differ.
        (Err(Damage::Bomb { .. }), Err(Damage::Bomb { .. })) => {}
        _ => assert_eq!(alone, pipelined),
    }
    alone
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.u8(..))
        .take(bytes)
        .collect()
}

#[test]
fn every_compression_gives_the_same_facts() {
    let content = noise(700_000);
    let plain = archive(&content);
    let (first, second) = plain.split_at(300_000);
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"toc"].concat();
    for (name, blob) in [
        ("tar", plain.clone()),
        ("gzip", gzip(&plain)),
        (
            "gzip of several members",
            [gzip(first), gzip(second)].concat(),
        ),
        ("zstd", zstd(&plain)),
        (
            "zstd of several frames, one to be skipped",
            [zstd(first), zstd(second), skippable.clone()].concat(),
        ),
        (
            "zstd that begins with one",
            [skippable, zstd(&plain)].concat(),
        ),
    ] {
        let facts =
            read(&blob, &expected(&blob)).unwrap_or_else(|damage| panic!("{name}: {damage}"));
        assert_eq!(facts.diff_id, Digest::sha256_of(&plain), "{name}");
        assert_eq!(facts.summary.unpacked, Bytes(700_000), "{name}");
    }
}

#[test]
fn damage_is_told_apart() {
    let content = noise(50_000);
    let plain = archive(&content);
    let gzip_blob = gzip(&plain);
    let zstd_blob = zstd(&plain);
    let cut = |blob: &[u8]| blob[..blob.len() / 2].to_vec();
    let mut bad_checksum = gzip_blob.clone();
    let at = bad_checksum.len() - 6;
    bad_checksum[at] ^= 0xff;
    let mut bad_zstd = zstd_blob.clone();
    bad_zstd[8] ^= 0xff;
    for (blob, words) in [
        (cut(&gzip_blob), "cannot be decompressed"),
        (cut(&zstd_blob), "cannot be decompressed"),
        (bad_checksum, "cannot be decompressed"),
        (bad_zstd, "cannot be"),
        (
            [gzip_blob.clone(), vec![0; 100]].concat(),
            "cannot be decompressed",
        ),
        (b"\xfd7zXZ\0rest".to_vec(), "compressed with xz"),
        (b"BZh9rest".to_vec(), "compressed with bzip2"),
        (cut(&plain), "cannot be unpacked: unexpected EOF"),
        (gzip(b"hello"), "cannot be unpacked: unexpected EOF"),
        (gzip(&noise(2048)), "archive/tar: invalid tar header"),
    ] {
        let damage = read(&blob, &expected(&blob)).expect_err(words).to_string();
        assert!(damage.contains(words), "{words}: {damage}");
    }
}

#[test]
fn an_empty_blob_is_an_empty_archive() {
    let facts = read(b"", &expected(b"")).expect("an archive without members");
    assert_eq!(facts.summary.unpacked, Bytes(0));
}

#[test]
fn another_digest_or_size_weighs_more_than_what_follows_from_it() {
    let whole = gzip(&archive(&noise(50_000)));
    let cut = &whole[..whole.len() / 2];
    assert_eq!(
        read(cut, &expected(&whole)),
        Err(Damage::Size {
            declared: Bytes(whole.len() as u64),
            more: false
        })
    );
    let longer = [&whole[..], &whole[..]].concat();
    assert_eq!(
        read(&longer, &expected(&whole)),
        Err(Damage::Size {
            declared: Bytes(whole.len() as u64),
            more: true
        })
    );
    let mut other = whole.clone();
    other[100] ^= 1;
    assert_eq!(
        read(&other, &expected(&whole)),
        Err(Damage::Digest {
            actual: Digest::sha256_of(&other)
        })
    );
}

#[test]
fn bombs_are_not_read_to_their_end() {
    let zeros = archive(&vec![0; 30_000_000]);
    let mut huge = tar::Header::new_gnu();
    huge.set_path("huge").expect("a path");
    huge.set_size(1 << 50);
    huge.set_cksum();
    for blob in [gzip(&zeros), zstd(&zeros), huge.as_bytes().to_vec()] {
        let damage = read(&blob, &expected(&blob)).expect_err("a bomb");
        match damage {
            Damage::Bomb { .. } => {}
            // A file that is declared and does not follow.
            other => assert_eq!(
                other.to_string(),
                "it cannot be unpacked: unexpected EOF (behind byte 512)"
            ),
        }
    }
    // Sparse files need no bytes of their own to be huge.
    let map = "22 GNU.sparse.major=1\n35 GNU.sparse.realsize=90000000000\n";
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::XHeader);
    header.set_size(map.len() as u64);
    header.set_cksum();
    builder.append(&header, map.as_bytes()).expect("a header");
    let mut header = tar::Header::new_ustar();
    header.set_path("sparse").expect("a path");
    header.set_size(0);
    header.set_cksum();
    builder.append(&header, &[][..]).expect("a member");
    let blob = builder.into_inner().expect("an archive");
    let damage = read(&blob, &expected(&blob)).expect_err("a bomb");
    assert_eq!(
        damage,
        Damage::Bomb {
            compressed: Bytes(blob.len() as u64),
            unpacked: Bytes(90_000_000_000)
        }
    );
}

#[test]
fn zeros_that_a_node_has_room_for_are_no_bomb() {
    let blob = gzip(&archive(&vec![0; 500_000]));
    assert!(read(&blob, &expected(&blob)).is_ok());
}
