# A file system for a bench: ext4 as Debian 12 makes it, with a journal, in a file of its own. A guest's disk may have none, and
# then a sync costs something else than it does in a clinic. Needs root.
#
#   . tests/bench/disk.sh; own_disk DIR GB     DIR/disk.img is written once (so that its blocks are there), and mounted on DIR/disk
#   drop_disk DIR                              unmounted, the file removed
own_disk() {
	mkdir -p "$1/disk" &&
	dd if=/dev/zero of="$1/disk.img" bs=4M count=$(($2 * 256)) oflag=direct status=none &&
	mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0,nodiscard "$1/disk.img" && sync "$1/disk.img" &&
	mount "$(losetup --direct-io=on --show -f "$1/disk.img")" "$1/disk" && return
	echo "bench: no file system of its own can be made here (free space, or not root)" >&2
	drop_disk "$1"
	return 1
}
drop_disk() {
	! mountpoint -q "$1/disk" || umount "$1/disk"
	losetup -j "$1/disk.img" 2>/dev/null | cut -d: -f1 | xargs -r -n 1 losetup -d
	rm -f "$1/disk.img"
}
