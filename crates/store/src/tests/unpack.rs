use std::io::Write;

use capstan_tree::{MemTree, Tree};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use crate::{StoreError, Unpack, pack, unpack};

/// An entry as a hostile program writes it: the name goes into the header as it is.
struct Raw<'a> {
    name: &'a [u8],
    kind: EntryType,
    link: &'a str,
    content: &'a [u8],
}

const fn file<'a>(name: &'a [u8], content: &'a [u8]) -> Raw<'a> {
    Raw { name, kind: EntryType::Regular, link: "", content }
}

const fn other(name: &str, kind: EntryType) -> Raw<'_> {
    Raw { name: name.as_bytes(), kind, link: "base/a.yaml", content: b"" }
}

fn header(raw: &Raw<'_>) -> Header {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..raw.name.len()].copy_from_slice(raw.name);
    header.set_entry_type(raw.kind);
    header.set_mode(0o644);
    header.set_size(raw.content.len() as u64);
    if !raw.link.is_empty() {
        header.set_link_name(raw.link).expect("short");
    }
    header.set_cksum();
    header
}

fn plain(entries: &[Raw<'_>]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for entry in entries {
        archive.append(&header(entry), entry.content).expect("in memory");
    }
    archive.into_inner().expect("in memory")
}

fn gzipped(plain: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(plain).expect("in memory");
    gzip.finish().expect("in memory")
}

fn read(entries: &[Raw<'_>]) -> Result<MemTree, StoreError> {
    unpack(gzipped(&plain(entries)).as_slice(), Unpack::ARTIFACT)
}

fn refused(entries: &[Raw<'_>]) -> String {
    read(entries).expect_err("an archive that must not be read").to_string()
}

/// A header of PAX and the entry that it is about.
fn pax(records: &[(&str, &str)], entry: &Raw<'_>) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    let records = records.iter().map(|(key, value)| (*key, value.as_bytes()));
    archive.append_pax_extensions(records).expect("in memory");
    archive.append(&header(entry), entry.content).expect("in memory");
    archive.into_inner().expect("in memory")
}

#[test]
fn what_was_packed_is_read() {
    let long = format!("{}/deep.yaml", "d".repeat(150));
    let tree = super::tree(&[("a/c.yaml", "content"), (&long, "long"), ("empty", "")]);
    let packed = pack(&tree).expect("packs");
    let read = unpack(packed.bytes.as_slice(), Unpack::ARTIFACT).expect("unpacks");
    assert_eq!(read, tree);
}

#[test]
fn names_are_cleaned() {
    let root = other("./", EntryType::Directory);
    let tree = read(&[root, file(b"./a//b.yaml", b"b"), file(b"c.yaml/", b"c")]).expect("read");
    assert_eq!(tree.read("a/b.yaml").expect("a file"), b"b");
    assert_eq!(tree.read("c.yaml").expect("a file"), b"c");
    let tree = read(&[file(b"\xff", b""), file(b"\xc3\xa4", b"")]).expect("read");
    assert_eq!(tree.files().map(|(path, _)| path).collect::<Vec<_>>(), ["ä"]);
}

#[test]
fn names_that_lead_out_are_refused() {
    let names: [&[u8]; 8] =
        [b"../x", b"a/../../x", b"/etc/passwd", b"..", b"a/..", b"a\\b", b"..\\x", b""];
    for name in names {
        let said = refused(&[file(b"good", b""), file(name, b"x")]);
        assert!(said.contains("the name"), "{said}");
    }
    let long = "x/".repeat(3000);
    let archive = gzipped(&pax(&[("path", &long)], &file(b"short", b"")));
    let said = unpack(archive.as_slice(), Unpack::ARTIFACT).expect_err("too long").to_string();
    assert!(said.contains("more than 4096 bytes"), "{said}");
    let archive = gzipped(&pax(&[("path", "../../x")], &file(b"short", b"")));
    assert!(unpack(archive.as_slice(), Unpack::ARTIFACT).is_err());
}

#[test]
fn only_files_and_directories_are_taken() {
    for kind in
        [EntryType::Link, EntryType::Char, EntryType::Block, EntryType::Fifo, EntryType::new(b'Z')]
    {
        let said = refused(&[other("odd", kind)]);
        assert!(said.contains("`odd`") && said.contains("not allowed"), "{said}");
    }
    let link = other("link", EntryType::Symlink);
    let said = refused(&[link]);
    assert!(said.contains("symbolic links"), "{said}");
    let archive = plain(&[other("link", EntryType::Symlink), file(b"x", b"x")]);
    let tree = unpack(gzipped(&archive).as_slice(), Unpack::LAYER).expect("links are skipped");
    assert_eq!(tree.files().map(|(path, _)| path).collect::<Vec<_>>(), ["x"]);
    // What is written through a link that was skipped stays inside.
    let link = Raw { link: "/etc", ..other("dir", EntryType::Symlink) };
    let archive = plain(&[link, file(b"dir/passwd", b"x")]);
    let tree = unpack(gzipped(&archive).as_slice(), Unpack::LAYER).expect("a plain directory");
    assert_eq!(tree.read("dir/passwd").expect("a file"), b"x");
}

#[test]
fn the_last_of_two_files_counts_and_a_name_is_one_thing() {
    let tree = read(&[file(b"x", b"first"), file(b"./x", b"last")]).expect("read");
    assert_eq!(tree.read("x").expect("a file"), b"last");
    let directory = |name| other(name, EntryType::Directory);
    assert!(refused(&[file(b"a", b""), file(b"a/b", b"")]).contains("is a file already"));
    assert!(refused(&[file(b"a", b""), directory("a/")]).contains("is a file already"));
    assert!(refused(&[file(b"a/b", b""), file(b"a", b"")]).contains("directory of that name"));
    assert!(refused(&[directory("a/b/"), file(b"a", b"")]).contains("directory of that name"));
    assert!(read(&[directory("a/"), directory("a/"), file(b"a/x", b"")]).is_ok());
}

#[test]
fn headers_of_pax_are_understood_or_refused() {
    let archive = gzipped(&pax(&[("path", "from/pax.yaml")], &file(b"short", b"x")));
    let tree = unpack(archive.as_slice(), Unpack::ARTIFACT).expect("read");
    assert_eq!(tree.read("from/pax.yaml").expect("a file"), b"x");
    let sparse = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0")];
    let archive = gzipped(&pax(&sparse, &file(b"GNUSparseFile.0/x", b"")));
    let said = unpack(archive.as_slice(), Unpack::ARTIFACT).expect_err("sparse").to_string();
    assert!(said.contains("sparse"), "{said}");
    let global = Raw {
        content: b"52 comment=0123456789012345678901234567890123456789\n",
        ..other("pax_global_header", EntryType::XGlobalHeader)
    };
    let tree = read(&[global, file(b"x", b"x")]).expect("as `git archive` writes it");
    assert_eq!(tree.len(), 1);
}

#[test]
fn a_size_of_pax_smuggles_nothing_in() {
    // The inner archive is content by PAX, and entries by the header before it.
    let inner = plain(&[file(b"smuggled.yaml", b"x")]);
    let outer = Raw { content: &[], ..file(b"outer", b"") };
    let mut archive = pax(&[("size", &inner.len().to_string())], &outer);
    archive.truncate(archive.len() - 1024);
    archive.extend(&inner);
    let tree = unpack(gzipped(&archive).as_slice(), Unpack::ARTIFACT).expect("read");
    assert_eq!(tree.files().map(|(path, _)| path).collect::<Vec<_>>(), ["outer"]);
}

#[test]
fn size_and_number_are_bounded() {
    let small = Unpack { max_size: 10, ..Unpack::ARTIFACT };
    let archive = gzipped(&plain(&[file(b"a", b"12345"), file(b"b", b"123456")]));
    let said = unpack(archive.as_slice(), small).expect_err("too large").to_string();
    assert!(said.contains("`b`") && said.contains("more than 10 bytes"), "{said}");
    // A declared size is enough: nothing of it is there.
    let mut header = header(&file(b"bomb", b""));
    header.set_size(1 << 60);
    header.set_cksum();
    let said = unpack(gzipped(header.as_bytes()).as_slice(), Unpack::ARTIFACT);
    assert!(said.expect_err("too large").to_string().contains("more than 104857600 bytes"));
    let one = *header_of_nothing().as_bytes();
    let mut many = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..100_001 {
        many.write_all(&one).expect("in memory");
    }
    let many = many.finish().expect("in memory");
    let said = unpack(many.as_slice(), Unpack::ARTIFACT).expect_err("too many").to_string();
    assert!(said.contains("more than 100000 entries"), "{said}");
}

fn header_of_nothing() -> Header {
    header(&file(b"same", b""))
}

#[test]
fn broken_archives_are_errors() {
    let whole = plain(&[file(b"a.yaml", &[b'x'; 2000])]);
    assert!(unpack(b"no gzip".as_slice(), Unpack::ARTIFACT).is_err());
    assert!(unpack(whole.as_slice(), Unpack::ARTIFACT).is_err());
    for end in [100, 512, 1000] {
        let cut = gzipped(&whole[..end]);
        assert!(unpack(cut.as_slice(), Unpack::ARTIFACT).is_err(), "{end}");
    }
    let packed = gzipped(&whole);
    assert!(unpack(&packed[..packed.len() / 2], Unpack::ARTIFACT).is_err());
    assert!(unpack(gzipped(b"").as_slice(), Unpack::ARTIFACT).expect("nothing").is_empty());
    // As with Go, an archive may be in several pieces of gzip, and something may follow it.
    let pieces = [gzipped(&whole[..700]), gzipped(&whole[700..])].concat();
    assert_eq!(unpack(pieces.as_slice(), Unpack::ARTIFACT).expect("read").len(), 1);
}
