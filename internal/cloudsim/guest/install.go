package guest

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// Where the package managers keep what is installed. The rpm list is our own
// text form; dpkg's is its real one.
const (
	rpmDatabase  = "/var/lib/rpm/packages"
	dpkgDatabase = "/var/lib/dpkg/status"
	// contentsDir lists the files that each package brought.
	contentsDir = "/var/lib/guest-packages"
)

func rpmLine(name, version string) string { return name + "\t" + version + "\n" }

func dpkgStanza(name, version, deps string) string {
	text := "Package: " + name + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: " + version + "\n"
	if deps != "" {
		text += "Depends: " + strings.Join(strings.Fields(deps), ", ") + "\n"
	}
	return text + "\n"
}

// installed maps the names of installed packages to their versions.
func (m *Machine) installed() map[string]string {
	have := map[string]string{}
	if m.os.family == rhel {
		for _, line := range m.lines(rpmDatabase) {
			name, version, _ := strings.Cut(line, "\t")
			have[name] = version
		}
		return have
	}
	name := ""
	for _, line := range m.lines(dpkgDatabase) {
		if n, ok := strings.CutPrefix(line, "Package: "); ok {
			name = n
		}
		if v, ok := strings.CutPrefix(line, "Version: "); ok {
			have[name] = v
		}
	}
	return have
}

func (m *Machine) writeInstalled(have map[string]string) error {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if m.os.family == rhel {
			out.WriteString(rpmLine(name, have[name]))
		} else {
			p, _ := findPackage(debian, name)
			out.WriteString(dpkgStanza(name, have[name], p.deps))
		}
	}
	db := rpmDatabase
	if m.os.family == debian {
		db = dpkgDatabase
	}
	return m.disk.WriteFile(vfs.Root(), db, []byte(out.String()), 0o644)
}

// closure lists the packages that name needs and that are missing, itself last.
func (m *Machine) closure(name string, have map[string]string, seen map[string]bool) []pkg {
	p, ok := findPackage(m.os.family, name)
	if !ok || have[p.name] != "" || seen[p.name] {
		return nil
	}
	seen[p.name] = true
	var list []pkg
	for _, dep := range strings.Fields(p.deps) {
		list = append(list, m.closure(dep, have, seen)...)
	}
	return append(list, p)
}

// unpack puts the files of a package in place.
func (m *Machine) unpack(ctx context.Context, p pkg) error {
	root := vfs.Root()
	var brought []string
	write := func(name, content string, exec bool) error {
		if err := m.disk.MkdirAll(root, path.Dir(name), 0o755); err != nil {
			return err
		}
		brought = append(brought, name)
		if err := m.disk.WriteFile(root, name, []byte(content), 0o644); err != nil {
			return err
		}
		if exec {
			return m.disk.Chmod(root, name, 0o755)
		}
		return nil
	}
	if p.user != "" {
		if _, err := m.userNamed(p.user); err != nil {
			if _, err := m.addUser(newUser{name: p.user, home: "/var/lib/" + p.user, shell: "/sbin/nologin", system: true}); err != nil {
				return err
			}
		}
	}
	for _, dir := range strings.Fields(p.dirs) {
		if err := m.disk.MkdirAll(root, dir, 0o755); err != nil {
			return err
		}
	}
	for _, entry := range strings.Fields(p.programs) {
		at, name, ok := strings.Cut(entry, "=")
		if !ok {
			name = path.Base(at)
		}
		if err := write("/usr/"+at, programFile(name), true); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		to, onlyMissing := strings.CutSuffix(name, "%")
		if _, err := m.disk.Stat(root, to, true); err == nil && (onlyMissing || strings.HasPrefix(to, "/etc/")) {
			continue // configuration that was changed stays
		}
		if err := write(to, p.files[name], false); err != nil {
			return err
		}
	}
	if p.units != "" {
		if err := m.unpackUnits(ctx, p, write); err != nil {
			return err
		}
	}
	if err := m.disk.MkdirAll(root, contentsDir, 0o755); err != nil {
		return err
	}
	return m.disk.WriteFile(root, contentsDir+"/"+p.name, []byte(strings.Join(brought, "\n")+"\n"), 0o644)
}

// unpackUnits adds services. Packages of the Debian family start theirs.
func (m *Machine) unpackUnits(ctx context.Context, p pkg, write func(string, string, bool) error) error {
	for entry := range strings.SplitSeq(p.units, ", ") {
		name, exec, _ := strings.Cut(entry, "=")
		if err := write("/usr/lib/systemd/system/"+name+".service", unitText("The "+name+" server", exec), false); err != nil {
			return err
		}
		if m.os.family != debian {
			continue
		}
		if _, err := m.enableUnit(name + ".service"); err != nil {
			return err
		}
		if err := m.startUnit(ctx, name+".service"); err != nil {
			m.journal(name, "failed to start: "+err.Error())
		}
	}
	return nil
}

// erase removes a package's files and stops its services.
func (m *Machine) erase(name string) error {
	p, _ := findPackage(m.os.family, name)
	for entry := range strings.SplitSeq(p.units, ", ") {
		unit, _, ok := strings.Cut(entry, "=")
		if !ok {
			continue
		}
		m.stopUnit(unit + ".service")
		if _, err := m.disableUnit(unit + ".service"); err != nil {
			return err
		}
	}
	for _, file := range m.lines(contentsDir + "/" + name) {
		if err := m.disk.RemoveAll(vfs.Root(), file); err != nil {
			return err
		}
	}
	return m.disk.RemoveAll(vfs.Root(), contentsDir+"/"+name)
}

// install brings a package and what it needs; it returns what was new.
func (m *Machine) install(ctx context.Context, names []string) ([]pkg, error) {
	have, seen := m.installed(), map[string]bool{}
	var list []pkg
	for _, n := range names {
		list = append(list, m.closure(n, have, seen)...)
	}
	for _, p := range list {
		if err := m.unpack(ctx, p); err != nil {
			return nil, fmt.Errorf("install %s: %w", p.name, err)
		}
		have[p.name] = p.version
	}
	if slices.ContainsFunc(list, func(p pkg) bool { return p.name == "libapache2-mod-php8.3" }) && m.active("apache2") == "active" {
		// The module's package restarts the server, as in life.
		m.stopUnit("apache2")
		if err := m.startUnit(ctx, "apache2"); err != nil {
			m.journal("apache2", err.Error())
		}
	}
	return list, m.writeInstalled(have)
}
