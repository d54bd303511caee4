package guest

import (
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// firewallState is what the running firewall lets in. The zero state lets
// everything in: no firewall runs.
type firewallState struct {
	active bool
	zone   zone
}

// allows tells whether a new connection to port passes.
func (f firewallState) allows(port uint16) bool {
	if !f.active || f.zone.Target == "ACCEPT" {
		return true
	}
	for _, s := range f.zone.Services {
		if slices.Contains(servicePorts[s.Name], port) {
			return true
		}
	}
	for _, p := range f.zone.Ports {
		from, to, err := portRange(p.Port)
		if err == nil && p.Protocol == "tcp" && port >= from && port <= to {
			return true
		}
	}
	return false
}

// servicePorts are the services that firewalld and ufw know by name.
var servicePorts = map[string][]uint16{
	"ssh": {22}, "http": {80}, "https": {443}, "mysql": {3306}, "redis": {6379}, "postgresql": {5432}, "cockpit": {9090}, "dhcpv6-client": nil,
	"nfs": {2049}, "samba": {139, 445}, "memcache": {11211}, "dns": {53}, "smtp": {25}, "ftp": {21}, "ldap": {389}, "mountd": {20048}, "rpc-bind": {111}, "high-availability": {2224, 3121, 5403}, "ntp": nil,
	"Apache": {80}, "Apache Full": {80, 443}, "Apache Secure": {443}, "Nginx HTTP": {80}, "Nginx Full": {80, 443}, "OpenSSH": {22}, "WWW": {80},
}

// zone is a zone file of firewalld.
type zone struct {
	XMLName     xml.Name      `xml:"zone"`
	Target      string        `xml:"target,attr,omitempty"`
	Short       string        `xml:"short"`
	Description string        `xml:"description"`
	Services    []zoneService `xml:"service"`
	Ports       []zonePort    `xml:"port"`
	Rules       []zoneRule    `xml:"rule"`
}

type zoneService struct {
	Name string `xml:"name,attr"`
}

type zonePort struct {
	Port     string `xml:"port,attr"`
	Protocol string `xml:"protocol,attr"`
}

// zoneRule keeps rich rules as text; only plain services and ports are applied.
type zoneRule struct {
	Text string `xml:"text,attr"`
}

const zoneFile = "/etc/firewalld/zones/public.xml"

func publicZone(services []string, ports []zonePort) string {
	z := zone{Short: "Public", Description: "For use in public areas.", Ports: ports}
	for _, s := range services {
		z.Services = append(z.Services, zoneService{s})
	}
	return z.text()
}

func (z zone) text() string {
	data, err := xml.MarshalIndent(z, "", "  ")
	if err != nil {
		// Only strings are in it.
		panic(err)
	}
	return xml.Header + string(data) + "\n"
}

// clone makes slices that can be changed alone.
func (z zone) clone() zone {
	z.Services, z.Ports, z.Rules = slices.Clone(z.Services), slices.Clone(z.Ports), slices.Clone(z.Rules)
	return z
}

func (m *Machine) permanentZone() (zone, error) {
	var z zone
	data, err := m.disk.ReadFile(vfs.Root(), zoneFile)
	if err != nil {
		return z, err
	}
	if err := xml.Unmarshal(data, &z); err != nil {
		return z, fmt.Errorf("INVALID_ZONE: %s: %w", zoneFile, err)
	}
	return z, nil
}

func (m *Machine) savePermanent(z zone) error {
	if err := m.disk.MkdirAll(vfs.Root(), "/etc/firewalld/zones", 0o755); err != nil {
		return err
	}
	return m.disk.WriteFile(vfs.Root(), zoneFile, []byte(z.text()), 0o644)
}

func startFirewalld(_ context.Context, m *Machine, _ unit) (func(), error) {
	z, err := m.permanentZone()
	if err != nil {
		return nil, err
	}
	m.setFirewall(firewallState{active: true, zone: z})
	return func() { m.setFirewall(firewallState{}) }, nil
}

func (m *Machine) setFirewall(f firewallState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.firewall = f
}

func (m *Machine) currentFirewall() firewallState {
	m.mu.Lock()
	defer m.mu.Unlock()
	return firewallState{active: m.firewall.active, zone: m.firewall.zone.clone()}
}

func portRange(text string) (uint16, uint16, error) {
	a, b, ok := strings.Cut(strings.ReplaceAll(text, ":", "-"), "-")
	if !ok {
		b = a
	}
	from, err := strconv.ParseUint(a, 10, 16)
	if err != nil {
		return 0, 0, err
	}
	to, err := strconv.ParseUint(b, 10, 16)
	return uint16(from), uint16(to), err
}

// cmdFirewall is firewall-cmd for the public zone.
func cmdFirewall(_ context.Context, p *proc) int {
	if p.s.cred.UID != 0 {
		fmt.Fprintln(p.err, "Authorization failed.\n    Make sure polkit agent is running or run the application as superuser.")
		return 253
	}
	state := p.m.currentFirewall()
	var changes []string
	// firewall-offline-cmd edits the files without the daemon.
	offline := path.Base(p.args[0]) == "firewall-offline-cmd"
	permanent := offline
	for i := 1; i < len(p.args); i++ {
		a := p.args[i]
		name, _, hasValue := strings.Cut(a, "=")
		switch name {
		case "--permanent":
			permanent = true
		case "--zone", "--timeout":
			if !hasValue {
				i++
			}
		case "-q", "--quiet":
		case "--add-service", "--remove-service", "--query-service", "--add-port", "--remove-port", "--query-port", "--add-rich-rule", "--remove-rich-rule", "--set-target":
			if !hasValue {
				if i++; i >= len(p.args) {
					return p.fail("error: argument %s: expected one argument", name)
				}
				a = name + "=" + p.args[i]
			}
			changes = append(changes, a)
		default:
			changes = append(changes, a)
		}
	}
	if !state.active && !offline {
		if slices.Contains(changes, "--state") {
			p.printf("not running\n")
			return 252
		}
		fmt.Fprintln(p.err, errNotRunning)
		return 252
	}
	status := 0
	for _, c := range changes {
		if s := p.firewallStep(c, permanent); s != 0 {
			status = s
		}
	}
	return status
}

func (p *proc) firewallStep(change string, permanent bool) int {
	state := p.m.currentFirewall()
	z := state.zone
	if permanent {
		var err error
		if z, err = p.m.permanentZone(); err != nil {
			fmt.Fprintf(p.err, "Error: %v\n", err)
			return 1
		}
	}
	name, value, _ := strings.Cut(change, "=")
	switch name {
	case "--state":
		p.printf("running\n")
		return 0
	case "--reload", "--complete-reload":
		saved, err := p.m.permanentZone()
		if err != nil {
			fmt.Fprintf(p.err, "Error: %v\n", err)
			return 1
		}
		p.m.setFirewall(firewallState{active: true, zone: saved})
		p.printf("success\n")
		return 0
	case "--runtime-to-permanent":
		z, permanent = state.zone, true
	case "--get-default-zone", "--get-active-zones":
		p.printf("public\n")
		return 0
	case "--get-services":
		p.printf("%s\n", strings.Join(slices.Sorted(maps.Keys(servicePorts)), " "))
		return 0
	case "--list-all", "--list-services", "--list-ports":
		p.listZone(name, z)
		return 0
	case "--query-service", "--query-port":
		yes := slices.Contains(z.Services, zoneService{value})
		if port, proto, ok := strings.Cut(value, "/"); ok {
			yes = slices.Contains(z.Ports, zonePort{port, proto})
		}
		p.printf("%s\n", map[bool]string{true: "yes", false: "no"}[yes])
		return map[bool]int{true: 0, false: 1}[yes]
	default:
		if status, ok := p.editZone(&z, name, value); !ok {
			return status
		}
	}
	if permanent {
		if err := p.m.savePermanent(z); err != nil {
			fmt.Fprintf(p.err, "Error: %v\n", err)
			return 1
		}
	} else {
		p.m.setFirewall(firewallState{active: true, zone: z})
	}
	p.printf("success\n")
	return 0
}

// editZone applies a change; false means it was refused or made no difference.
func (p *proc) editZone(z *zone, name, value string) (int, bool) {
	service := zoneService{value}
	port, proto, isPort := strings.Cut(value, "/")
	switch name {
	case "--add-service", "--remove-service":
		if _, ok := servicePorts[value]; !ok {
			fmt.Fprintf(p.err, "Error: INVALID_SERVICE: %s\n", value)
			return 101, false
		}
		if slices.Contains(z.Services, service) == (name == "--add-service") {
			p.warnFirewall(name, value)
			return 0, false
		}
		if name == "--add-service" {
			z.Services = append(z.Services, service)
		} else {
			z.Services = slices.DeleteFunc(z.Services, func(s zoneService) bool { return s == service })
		}
	case "--add-port", "--remove-port":
		if _, _, err := portRange(port); !isPort || err != nil {
			fmt.Fprintf(p.err, "Error: INVALID_PORT: %s\n", value)
			return 102, false
		}
		if slices.Contains(z.Ports, zonePort{port, proto}) == (name == "--add-port") {
			p.warnFirewall(name, value)
			return 0, false
		}
		if name == "--add-port" {
			z.Ports = append(z.Ports, zonePort{port, proto})
		} else {
			z.Ports = slices.DeleteFunc(z.Ports, func(x zonePort) bool { return x == zonePort{port, proto} })
		}
	case "--add-rich-rule":
		z.Rules = append(z.Rules, zoneRule{value})
	case "--remove-rich-rule":
		z.Rules = slices.DeleteFunc(z.Rules, func(r zoneRule) bool { return r.Text == value })
	case "--set-target":
		z.Target = strings.Replace(value, "default", "", 1)
	case "--runtime-to-permanent":
	default:
		fmt.Fprintf(p.err, "usage: see firewall-cmd man page\nfirewall-cmd: error: unrecognized arguments: %s\n", name)
		return 2, false
	}
	return 0, true
}

func (p *proc) warnFirewall(name, value string) {
	code := "ALREADY_ENABLED"
	if strings.HasPrefix(name, "--remove") {
		code = "NOT_ENABLED"
	}
	fmt.Fprintf(p.err, "Warning: %s: '%s'\n", code, value)
	p.printf("success\n")
}

func (p *proc) listZone(what string, z zone) {
	var services, ports []string
	for _, s := range z.Services {
		services = append(services, s.Name)
	}
	for _, x := range z.Ports {
		ports = append(ports, x.Port+"/"+x.Protocol)
	}
	slices.Sort(services)
	switch what {
	case "--list-services":
		p.printf("%s\n", strings.Join(services, " "))
	case "--list-ports":
		p.printf("%s\n", strings.Join(ports, " "))
	default:
		target := z.Target
		if target == "" {
			target = "default"
		}
		p.printf("public (active)\n  target: %s\n  icmp-block-inversion: no\n  interfaces: eth0\n  sources: \n  services: %s\n  ports: %s\n  protocols: \n  forward: yes\n  masquerade: no\n",
			target, strings.Join(services, " "), strings.Join(ports, " "))
	}
}

const ufwRules = "/etc/ufw/user.rules"

// ufwPrefix opens a rule in the file, as ufw's own comments do.
const ufwPrefix = "### tuple ### allow "

func (m *Machine) ufwZone() zone {
	var z zone
	for _, line := range m.lines(ufwRules) {
		rule, ok := strings.CutPrefix(line, ufwPrefix)
		if !ok {
			continue
		}
		proto, port, _ := strings.Cut(rule, " ")
		if proto == "any" {
			proto = "tcp"
		}
		z.Ports = append(z.Ports, zonePort{port, proto})
	}
	return z
}

func startUfw(_ context.Context, m *Machine, _ unit) (func(), error) {
	if slices.Contains(m.lines("/etc/ufw/ufw.conf"), "ENABLED=yes") {
		m.setFirewall(firewallState{active: true, zone: m.ufwZone()})
	}
	return func() { m.setFirewall(firewallState{}) }, nil
}

// cmdUfw knows enable, disable, status, allow, delete allow, reload.
func cmdUfw(_ context.Context, p *proc) int {
	if !p.needRoot("ERROR: You need to be root to run this script") {
		return 1
	}
	args := slices.DeleteFunc(slices.Clone(p.args[1:]), func(a string) bool { return a == "--force" })
	if len(args) == 0 {
		return p.fail("ERROR: not enough args")
	}
	switch args[0] {
	case "enable", "disable":
		on := args[0] == "enable"
		text := "ENABLED=" + map[bool]string{true: "yes", false: "no"}[on] + "\nLOGLEVEL=low\n"
		if err := p.m.disk.WriteFile(vfs.Root(), "/etc/ufw/ufw.conf", []byte(text), 0o644); err != nil {
			return p.fail("%v", err)
		}
		p.m.setFirewall(firewallState{active: on, zone: p.m.ufwZone()})
		p.printf("%s\n", map[bool]string{true: "Firewall is active and enabled on system startup", false: "Firewall stopped and disabled on system startup"}[on])
		return 0
	case "reload":
		state := p.m.currentFirewall()
		p.m.setFirewall(firewallState{active: state.active, zone: p.m.ufwZone()})
		p.printf("Firewall reloaded\n")
		return 0
	case "status":
		state := p.m.currentFirewall()
		if !state.active {
			p.printf("Status: inactive\n")
			return 0
		}
		p.printf("Status: active\n\nTo                         Action      From\n--                         ------      ----\n")
		for _, r := range state.zone.Ports {
			p.printf("%-26s ALLOW       Anywhere\n", r.Port+"/"+r.Protocol)
		}
		return 0
	case "default", "logging", "app":
		return 0
	case "allow", "delete", "deny", "limit":
		return p.ufwRule(args)
	}
	return p.fail("ERROR: Invalid syntax")
}

func (p *proc) ufwRule(args []string) int {
	remove := args[0] == "delete"
	what := args[len(args)-1]
	if args[0] == "deny" {
		remove = true
	}
	port, proto, ok := strings.Cut(what, "/")
	if !ok {
		proto = "any"
	}
	var ports []string
	if known := servicePorts[port]; len(known) > 0 {
		for _, n := range known {
			ports = append(ports, strconv.Itoa(int(n)))
		}
	} else if _, _, err := portRange(port); err == nil {
		ports = []string{port}
	} else {
		fmt.Fprintf(p.err, "ERROR: Could not find a profile matching '%s'\n", what)
		return 1
	}
	lines := p.m.lines(ufwRules)
	for _, port := range ports {
		line := ufwPrefix + proto + " " + port
		lines = slices.DeleteFunc(lines, func(l string) bool { return l == line })
		if !remove {
			lines = append(lines, line)
		}
	}
	if err := p.m.disk.WriteFile(vfs.Root(), ufwRules, []byte(strings.Join(lines, "\n")+"\n"), 0o640); err != nil {
		return p.fail("%v", err)
	}
	state := p.m.currentFirewall()
	p.m.setFirewall(firewallState{active: state.active, zone: p.m.ufwZone()})
	p.printf("%s\n", map[bool]string{true: "Rule updated", false: "Rules updated"}[state.active])
	return 0
}
