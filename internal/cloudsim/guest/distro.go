package guest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// family tells which package manager and habits a distribution has.
type family int

const (
	rhel family = iota
	debian
)

// distro describes a built-in image.
type distro struct {
	image   string // name of the image: vfs.Disk.Base
	id      string
	name    string
	version string
	pretty  string
	release string // /etc/redhat-release
	user    string // the default user cloud-init makes
	group   string // that may use sudo
	kernel  string
	mirror  string // host the package manager asks first
	family  family
	like    string
	build   func() *vfs.Node
}

// webUser owns what a web server serves.
func (d *distro) webUser() string {
	if d.family == debian {
		return "www-data"
	}
	return "apache"
}

// builtAt dates the files of the built-in images.
func builtAt() time.Time { return time.Date(2026, 10, 1, 6, 0, 0, 0, time.UTC) }

// distros is the table of built-in images. Their trees are built on first use
// and shared by all guests.
var distros = []*distro{
	newDistro(distro{
		image: "rocky9", id: "rocky", name: "Rocky Linux", version: "9.6", pretty: "Rocky Linux 9.6 (Blue Onyx)",
		release: "Rocky Linux release 9.6 (Blue Onyx)", user: "rocky", group: "wheel", family: rhel, like: "rhel centos fedora",
		kernel: "5.14.0-570.12.1.el9_6.x86_64", mirror: "mirrors.rockylinux.org",
	}),
	newDistro(distro{
		image: "alma9", id: "almalinux", name: "AlmaLinux", version: "9.6", pretty: "AlmaLinux 9.6 (Sage Margay)",
		release: "AlmaLinux release 9.6 (Sage Margay)", user: "almalinux", group: "wheel", family: rhel, like: "rhel centos fedora",
		kernel: "5.14.0-570.12.1.el9_6.x86_64", mirror: "mirrors.almalinux.org",
	}),
	newDistro(distro{
		image: "centos9", id: "centos", name: "CentOS Stream", version: "9", pretty: "CentOS Stream 9",
		release: "CentOS Stream release 9", user: "cloud-user", group: "wheel", family: rhel, like: "rhel fedora",
		kernel: "5.14.0-590.el9.x86_64", mirror: "mirrors.centos.org",
	}),
	newDistro(distro{
		image: "ubuntu2404", id: "ubuntu", name: "Ubuntu", version: "24.04", pretty: "Ubuntu 24.04.2 LTS",
		user: "ubuntu", group: "sudo", family: debian, like: "debian",
		kernel: "6.8.0-60-generic", mirror: "archive.ubuntu.com",
	}),
}

func newDistro(d distro) *distro {
	d.build = sync.OnceValue(func() *vfs.Node { return buildImage(&d) })
	return &d
}

// Images lists the built-in images by name.
func Images() []string {
	var names []string
	for _, d := range distros {
		names = append(names, d.image)
	}
	return names
}

// ImageFor names the built-in image that stands for an operating system or
// template called so, e.g. "Rocky Linux 9" or "CentOS 5.6 (64-bit)".
func ImageFor(name string) string {
	name = strings.ToLower(name)
	for _, d := range distros {
		if strings.Contains(name, strings.ToLower(d.id)) {
			return d.image
		}
	}
	if strings.Contains(name, "debian") {
		return "ubuntu2404"
	}
	return "rocky9"
}

// Base finds the tree of a built-in image, for package vfs.
func Base(image string) (*vfs.Node, error) {
	d, err := distroOf(image)
	if err != nil {
		return nil, err
	}
	return d.build(), nil
}

func distroOf(image string) (*distro, error) {
	i := slices.IndexFunc(distros, func(d *distro) bool { return d.image == image })
	if i < 0 {
		return nil, fmt.Errorf("no built-in image %q (there are %s)", image, strings.Join(Images(), ", "))
	}
	return distros[i], nil
}

// CreateDisk makes a disk from a built-in image; an empty dir keeps it in memory.
func CreateDisk(dir, image string) (*vfs.Disk, error) {
	return vfs.CreateDisk(dir, image, Base, time.Now)
}

// OpenDisk opens a disk that CreateDisk or vfs.Disk.Clone made.
func OpenDisk(dir string) (*vfs.Disk, error) { return vfs.OpenDisk(dir, Base, time.Now) }
