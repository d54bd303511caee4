package guest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// mirrorTimeout is how long a package manager waits for a mirror it cannot
// reach.
const mirrorTimeout = 30 * time.Second

func packagePrograms() map[string]program {
	return map[string]program{
		"dnf": cmdDnf, "yum": cmdDnf, "dnf-3": cmdDnf, "microdnf": cmdDnf, "rpm": cmdRpm,
		"apt": cmdApt, "apt-get": cmdApt, "apt-cache": cmdAptCache, "dpkg": cmdDpkg, "dpkg-query": cmdDpkg,
	}
}

// askMirror tells whether the mirror answers; not being let out costs the
// timeout, as on a real network that drops packets.
func (m *Machine) askMirror(ctx context.Context) error {
	err := m.egress(ctx, m.os.mirror, 443)
	if err == nil {
		return nil
	}
	if sleepErr := m.clock.Sleep(ctx, mirrorTimeout); sleepErr != nil {
		return sleepErr
	}
	return err
}

// dnfCommands maps the words of dnf to what they mean here.
var dnfCommands = map[string]string{
	"install": "install", "localinstall": "install", "reinstall": "install", "remove": "remove", "erase": "remove", "autoremove": "remove",
	"update": "update", "upgrade": "update", "upgrade-minimal": "update", "check-update": "check", "makecache": "makecache", "clean": "clean",
	"list": "list", "info": "info", "search": "search", "repolist": "repolist", "module": "module", "config-manager": "module", "groupinstall": "module", "history": "module", "--version": "version",
}

func cmdDnf(ctx context.Context, p *proc) int {
	o := parse(p.args[1:], "enablerepo disablerepo releasever setopt x exclude c")
	if len(o.args) == 0 {
		if o.has("version") {
			p.printf("4.14.0\n")
			return 0
		}
		p.printf("usage: dnf [options] COMMAND\n")
		return 1
	}
	action := dnfCommands[o.args[0]]
	names := o.args[1:]
	switch action {
	case "":
		fmt.Fprintf(p.err, "No such command: %s. Please use /usr/bin/dnf --help\n", o.args[0])
		return 1
	case "install", "remove", "update":
		if !p.needRoot("Error: This command has to be run with superuser privileges (under the root user on most systems).") {
			return 1
		}
	case "clean":
		p.printf("0 files removed\n")
		return 0
	case "repolist":
		p.printf("repo id\trepo name\nappstream\t%s 9 - AppStream\nbaseos\t%s 9 - BaseOS\n", p.m.os.name, p.m.os.name)
		return 0
	case "module":
		return 0
	}
	if action == "remove" {
		return p.dnfRemove(names)
	}
	have := p.m.installed()
	if action == "install" && len(names) > 0 && allIn(names, have) {
		for _, n := range names {
			p.printf("Package %s-%s.x86_64 is already installed.\n", n, have[n])
		}
		p.printf("Dependencies resolved.\nNothing to do.\nComplete!\n")
		return 0
	}
	if action == "list" && o.has("installed") || len(names) > 0 && action == "list" && (names[0] == "installed" || names[0] == "--installed") {
		for _, n := range slices.Sorted(maps.Keys(have)) {
			p.printf("%s.x86_64 %s @System\n", n, have[n])
		}
		return 0
	}
	if err := p.dnfMetadata(ctx); err != nil {
		return 1
	}
	switch action {
	case "install":
		return p.dnfInstall(ctx, names, o.has("y", "assumeyes"))
	case "list", "info", "search":
		return p.dnfShow(names, have)
	case "makecache":
		p.printf("Metadata cache created.\n")
	case "update":
		p.printf("Dependencies resolved.\nNothing to do.\nComplete!\n")
	}
	return 0
}

func allIn(names []string, have map[string]string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return have[n] == "" })
}

// dnfMetadata prints what dnf prints while it fetches the lists.
func (p *proc) dnfMetadata(ctx context.Context) error {
	err := p.m.askMirror(ctx)
	if err != nil {
		url := "https://" + p.m.os.mirror + "/mirrorlist?arch=x86_64&repo=BaseOS-9"
		curl := fmt.Sprintf("Curl error (28): Timeout was reached for %s [Connection timed out after 30000 milliseconds]", url)
		p.printf("%-60s 0.0  B/s |   0  B     00:30    \n", p.m.os.name+" 9 - BaseOS")
		fmt.Fprintf(p.err, "Errors during downloading metadata for repository 'baseos':\n  - %s\nError: Failed to download metadata for repo 'baseos': Cannot prepare internal mirrorlist: %s\n", curl, curl)
		return err
	}
	p.printf("Last metadata expiration check: 0:00:01 ago on %s.\n", p.m.clock.Now().UTC().Format("Mon 02 Jan 2006 03:04:05 PM UTC"))
	return nil
}

func (p *proc) dnfInstall(ctx context.Context, names []string, yes bool) int {
	have := p.m.installed()
	var missing []string
	for _, n := range names {
		if _, ok := findPackage(rhel, n); !ok && have[n] == "" {
			p.printf("No match for argument: %s\n", n)
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(p.err, "Error: Unable to find a match: %s\n", strings.Join(missing, " "))
		return 1
	}
	if !yes && !p.agreed() {
		fmt.Fprintln(p.err, "Operation aborted.")
		return 1
	}
	list, err := p.m.install(ctx, names)
	if err != nil {
		fmt.Fprintf(p.err, "Error: %v\n", err)
		return 1
	}
	p.printf("Dependencies resolved.\n%s\n Package%19s Arch%7s Version%20s Repository%4s Size\n%s\nInstalling:\n", strings.Repeat("=", 80), "", "", "", "", strings.Repeat("=", 80))
	for _, k := range list {
		p.printf(" %-25s x86_64     %-27s appstream     %s\n", k.name, k.version, k.size)
	}
	p.printf("\nTransaction Summary\n%s\nInstall  %d Packages\n\nRunning transaction\n", strings.Repeat("=", 80), len(list))
	for i, k := range list {
		p.printf("  Installing       : %s-%s.x86_64 %d/%d\n", k.name, k.version, i+1, len(list))
	}
	p.printf("\nInstalled:\n")
	for _, k := range list {
		p.printf("  %s-%s.x86_64\n", k.name, k.version)
	}
	p.printf("\nComplete!\n")
	return 0
}

// agreed reads the answer to "Is this ok [y/N]".
func (p *proc) agreed() bool {
	p.printf("Is this ok [y/N]: ")
	data, err := readAll(p.in)
	return err == nil && strings.HasPrefix(strings.ToLower(string(data)), "y")
}

func (p *proc) dnfRemove(names []string) int {
	have := p.m.installed()
	var gone []string
	for _, n := range names {
		if have[n] == "" {
			p.printf("No match for argument: %s\n", n)
			continue
		}
		gone = append(gone, n+"-"+have[n])
		if err := p.m.erase(n); err != nil {
			fmt.Fprintf(p.err, "Error: %v\n", err)
			return 1
		}
		delete(have, n)
	}
	if err := p.m.writeInstalled(have); err != nil {
		fmt.Fprintf(p.err, "Error: %v\n", err)
		return 1
	}
	if len(gone) == 0 {
		p.printf("No packages marked for removal.\nDependencies resolved.\nNothing to do.\nComplete!\n")
		return 0
	}
	p.printf("Removed:\n  %s\n\nComplete!\n", strings.Join(gone, "\n  "))
	return 0
}

func (p *proc) dnfShow(names []string, have map[string]string) int {
	status := 1
	for _, n := range names {
		if k, ok := findPackage(rhel, n); ok {
			p.printf("%s.x86_64 %s appstream\n", k.name, k.version)
			status = 0
		} else if have[n] != "" {
			p.printf("%s.x86_64 %s @System\n", n, have[n])
			status = 0
		}
	}
	if status != 0 {
		fmt.Fprintln(p.err, "Error: No matching Packages to list")
	}
	return status
}

func cmdRpm(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "qf queryformat")
	have := p.m.installed()
	switch {
	case o.has("q") && o.has("a"):
		for _, n := range slices.Sorted(maps.Keys(have)) {
			p.printf("%s-%s.x86_64\n", n, have[n])
		}
		return 0
	case o.has("q", "query") && o.has("f"):
		return p.fail("file is not owned by any package")
	case o.has("q", "query", "V"):
		status := 0
		for _, n := range o.args {
			if have[n] == "" {
				p.printf("package %s is not installed\n", n)
				status++
				continue
			}
			if o.has("l") {
				for _, f := range p.m.lines(contentsDir + "/" + n) {
					p.printf("%s\n", f)
				}
				continue
			}
			_, version, epoch := strings.Cut(have[n], ":")
			if !epoch {
				version = have[n]
			}
			p.printf("%s-%s.x86_64\n", n, version)
		}
		return status
	case o.has("e"):
		return p.dnfRemove(o.args)
	case o.has("import"), o.has("E"):
		return 0
	}
	return p.fail("this command of rpm is not part of the embedded guest")
}

func cmdApt(ctx context.Context, p *proc) int {
	o := parse(p.args[1:], "o t c option")
	if len(o.args) == 0 {
		p.printf("apt 2.7.14 (amd64)\nUsage: apt [options] command\n")
		return 0
	}
	action, names := o.args[0], o.args[1:]
	if slices.Contains([]string{"install", "remove", "purge", "update", "upgrade", "full-upgrade", "dist-upgrade", "autoremove"}, action) &&
		!p.needRoot("E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?") {
		return 100
	}
	switch action {
	case "update":
		return p.aptUpdate(ctx)
	case "install":
		return p.aptInstall(ctx, names)
	case "upgrade", "full-upgrade", "dist-upgrade":
		p.printf("Reading package lists...\nBuilding dependency tree...\nReading state information...\nCalculating upgrade...\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n")
		return 0
	case "remove", "purge":
		return p.aptRemove(names)
	case "autoremove", "clean", "autoclean":
		return 0
	case "list", "show", "search", "policy":
		return cmdAptCache(ctx, p)
	}
	fmt.Fprintf(p.err, "E: Invalid operation %s\n", action)
	return 100
}

// aptUpdate exits with 0 even when nothing could be fetched: so does apt.
func (p *proc) aptUpdate(ctx context.Context) int {
	if err := p.m.askMirror(ctx); err != nil {
		if errors.Is(err, context.Canceled) {
			return 130
		}
		p.printf("Err:1 http://archive.ubuntu.com/ubuntu noble InRelease\n  Could not connect to archive.ubuntu.com:80, connection timed out\nReading package lists...\n")
		fmt.Fprintf(p.err, "W: Failed to fetch http://archive.ubuntu.com/ubuntu/dists/noble/InRelease  Could not connect to archive.ubuntu.com:80, connection timed out\nW: Some index files failed to download. They have been ignored, or old ones used instead.\n")
		return 0
	}
	p.printf("Hit:1 http://archive.ubuntu.com/ubuntu noble InRelease\nReading package lists...\n")
	return 0
}

func (p *proc) aptInstall(ctx context.Context, names []string) int {
	p.printf("Reading package lists...\nBuilding dependency tree...\nReading state information...\n")
	have := p.m.installed()
	status := 0
	for i, n := range names {
		n, _, _ = strings.Cut(n, "=")
		names[i] = n
		if _, ok := findPackage(debian, n); !ok && have[n] == "" {
			fmt.Fprintf(p.err, "E: Unable to locate package %s\n", n)
			status = 100
		}
	}
	if status != 0 {
		return status
	}
	if allIn(names, have) {
		for _, n := range names {
			p.printf("%s is already the newest version (%s).\n", n, have[n])
		}
		p.printf("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n")
		return 0
	}
	if err := p.m.askMirror(ctx); err != nil {
		name := names[0]
		fmt.Fprintf(p.err, "E: Failed to fetch http://archive.ubuntu.com/ubuntu/pool/main/%s/%s  Could not connect to archive.ubuntu.com:80, connection timed out\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?\n", name[:1], name)
		return 100
	}
	list, err := p.m.install(ctx, names)
	if err != nil {
		fmt.Fprintf(p.err, "E: %v\n", err)
		return 100
	}
	p.printf("The following NEW packages will be installed:\n ")
	for _, k := range list {
		p.printf(" %s", k.name)
	}
	p.printf("\n0 upgraded, %d newly installed, 0 to remove and 0 not upgraded.\n", len(list))
	for _, k := range list {
		p.printf("Unpacking %s (%s) ...\nSetting up %s (%s) ...\n", k.name, k.version, k.name, k.version)
	}
	return 0
}

func (p *proc) aptRemove(names []string) int {
	have := p.m.installed()
	for _, n := range names {
		if have[n] == "" {
			p.printf("Package '%s' is not installed, so not removed\n", n)
			continue
		}
		if err := p.m.erase(n); err != nil {
			fmt.Fprintf(p.err, "E: %v\n", err)
			return 100
		}
		delete(have, n)
		p.printf("Removing %s ...\n", n)
	}
	if err := p.m.writeInstalled(have); err != nil {
		fmt.Fprintf(p.err, "E: %v\n", err)
		return 100
	}
	return 0
}

func cmdAptCache(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	have := p.m.installed()
	if o.has("installed") {
		for _, n := range slices.Sorted(maps.Keys(have)) {
			p.printf("%s/noble,now %s amd64 [installed]\n", n, have[n])
		}
		return 0
	}
	status := 0
	for _, n := range o.args[min(1, len(o.args)):] {
		k, ok := findPackage(debian, n)
		if !ok && have[n] == "" {
			fmt.Fprintf(p.err, "N: Unable to locate package %s\n", n)
			status = 100
			continue
		}
		if k.version == "" {
			k = pkg{name: n, version: have[n]}
		}
		p.printf("Package: %s\nVersion: %s\n\n", k.name, k.version)
	}
	return status
}

func cmdDpkg(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "f showformat")
	have := p.m.installed()
	switch {
	case o.has("l", "list"):
		for _, n := range slices.Sorted(maps.Keys(have)) {
			if ok, err := path.Match(strings.Join(o.args, ""), n); len(o.args) == 0 || err == nil && ok {
				p.printf("ii  %-20s %-20s amd64\n", n, have[n])
			}
		}
		return 0
	case o.has("s", "status", "W", "show"):
		status := 0
		for _, n := range o.args {
			if have[n] == "" {
				fmt.Fprintf(p.err, "dpkg-query: package '%s' is not installed and no information is available\n", n)
				status = 1
				continue
			}
			k, _ := findPackage(debian, n)
			p.printf("%s", dpkgStanza(n, have[n], k.deps))
		}
		return status
	case o.has("L"):
		for _, n := range o.args {
			for _, f := range p.m.lines(contentsDir + "/" + n) {
				p.printf("%s\n", f)
			}
		}
		return 0
	case o.has("configure", "print-architecture"):
		if o.has("print-architecture") {
			p.printf("amd64\n")
		}
		return 0
	}
	p.fail("this command of dpkg is not part of the embedded guest")
	return 2
}
