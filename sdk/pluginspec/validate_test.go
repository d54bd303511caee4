package pluginspec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hcldec"
)

const limits = `
plugin: p
version: 1.0.0
types:
  thing:
    attributes:
      name:   {type: string, min_length: 2, max_length: 4, pattern: "^[a-z]+$"}
      size:   {type: number, min: 1, max: 10}
      mode:   {type: string, values: [fast, slow]}
      level:  {type: number, values: [1, 2]}
      cidrs:  {type: set(string), format: cidr, max_length: 2}
      port:   {type: number, format: port}
      range:  {type: string, format: port_range}
      ip:     {type: string, format: ipv4}
      ip6:    {type: string, format: ipv6}
      mac:    {type: string, format: mac}
      url:    {type: string, format: url}
      wait:   {type: string, format: duration}
      blob:   {type: string, format: base64}
      doc:    {type: string, format: json}
      ref:    {type: string, format: uuid}
      pass:   {type: string, sensitive: true, min_length: 1, pattern: "^x"}
      old:    {type: string, deprecated: use name}
      a:      {type: string, conflicts: [b]}
      b:      {type: string, conflicts: [a]}
      user:   {type: string, together: [key]}
      key:    {type: string}
      this:   {type: string, exactly_one: [that]}
      that:   {type: string}
      vlan:   {type: string, role: admin}
      owner:  {type: string, role: domain_admin}
    blocks:
      rule: {nesting: list, attributes: {port: {type: string, format: port_range, conflicts: [icmp]}, icmp: {type: number}}}
    find: {call: listThings}
`

func TestValidate(t *testing.T) {
	t.Parallel()
	thing := parseThing(t, limits)
	tests := map[string]struct {
		src  string
		want []string
	}{
		"fine": {`name = "abc"
			size = 10
			mode = "fast"
			level = 2
			cidrs = ["10.0.0.0/8", "::/0"]
			port = 443
			range = "80-90"
			ip = "10.0.0.1"
			ip6 = "fe80::1"
			mac = "02:00:4c:3f:00:01"
			url = "https://x/y"
			wait = "1h30m"
			blob = "aGk="
			doc = "[1]"
			ref = "6f5a4c9e-3c5b-4b7e-9a41-0c2d3e4f5a6b"
			pass = "xyz"
			rule { port = "22" }`, nil},
		"not known yet": {`name = later
			ip = later
			cidrs = [later]
			a = later
			b = "x"`, nil},
		"length":          {`name = "abcde"`, []string{`name: "name" has 5 characters; at most 4 are possible.`}},
		"short and wrong": {`name = "A"`, []string{`name: "name" has 1 characters; it needs at least 2.`, `name: "A" does not have the form of "name": it must match the pattern ^[a-z]+$.`}},
		"too many":        {`cidrs = ["1.0.0.0/8", "2.0.0.0/8", "3.0.0.0/8"]`, []string{`cidrs: "cidrs" has 3 elements; at most 2 are possible.`}},
		"numbers":         {"size = 0.5\nlevel = 3", []string{`size: 0.5 is too small: "size" is at least 1.`, `level: 3 is not a value of "level"; it is one of "1", "2".`}},
		"large":           {"size = 11", []string{`size: 11 is too large: "size" is at most 10.`}},
		"value":           {`mode = "fsat"`, []string{`mode: "fsat" is not a value of "mode"; it is one of "fast", "slow". Did you mean "fast"?`}},
		"formats": {`port = 0
			range = "90-80"
			ip = "10.0.0.256"
			ip6 = "10.0.0.1"
			mac = "x"
			url = "example.com"
			wait = "10"
			blob = "%"
			doc = "{"
			ref = "123"
			cidrs = ["10.0.0.1"]`, []string{
			`cidrs: "10.0.0.1" is not a network such as 10.1.1.0/24.`,
			`port: 0 is not a port between 1 and 65535.`,
			`range: "90-80" is not a port or a range of ports such as 80 or 8000-8100.`,
			`ip: "10.0.0.256" is not an IPv4 address such as 10.1.1.5.`,
			`ip6: "10.0.0.1" is not an IPv6 address such as 2001:db8::5.`,
			`mac: "x" is not a hardware address such as 02:00:4c:3f:00:01.`,
			`url: "example.com" is not an address such as https://example.com/file.`,
			`wait: "10" is not a duration such as 30s, 10m or 1h30m.`,
			`blob: "%" is not base64.`,
			`doc: "{" is not JSON.`,
			`ref: "123" is not an id such as 6f5a4c9e-3c5b-4b7e-9a41-0c2d3e4f5a6b.`,
		}},
		"sensitive attribute is not shown": {`pass = "hunter2"`, []string{`pass: The value of "pass" does not have the form of "pass": it must match the pattern ^x.`}},
		"sensitive value is not shown":     {`mode = secret`, []string{`mode: The value of "mode" is not a value of "mode"; it is one of "fast", "slow".`}},
		"deprecated":                       {`old = "x"`, []string{`old: warning: "old" is deprecated: Use name.`}},
		"conflict once":                    {"a = \"1\"\nb = \"2\"", []string{`a: "a" and "b" exclude each other; keep one of them.`}},
		"together":                         {`user = "u"`, []string{`user: "user" is used together with "key"; give both or neither.`}},
		"two of one":                       {"this = \"1\"\nthat = \"2\"", []string{`that: "this" and "that" exclude each other; keep one of them.`}},
		"in a block": {`rule { port = "1" }
			rule {
			  port = "x"
			  icmp = 1
			}`, []string{`rule[1].port: "x" is not a port or a range of ports such as 80 or 8000-8100.`, `rule[1].port: "port" and "icmp" exclude each other; keep one of them.`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := tt.src
			if !strings.Contains(src, "this =") {
				src += "\nthis = \"1\""
			}
			v, diags := hcldec.Decode(body(t, src), thing.DecoderSpec(), evalContext())
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			var got []string
			for _, p := range thing.Validate(v) {
				text := FormatPath(p.Path) + ": "
				if p.Warning {
					text += "warning: "
				}
				got = append(got, text+p.Detail)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestValidateNeedsOne(t *testing.T) {
	t.Parallel()
	thing := parseThing(t, limits)
	for src, want := range map[string]int{"": 1, "this = later": 0, "that = \"x\"": 0} {
		v, diags := hcldec.Decode(body(t, src), thing.DecoderSpec(), evalContext())
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if got := thing.Validate(v); len(got) != want {
			t.Errorf("%q: %v, want %d problems", src, got, want)
		}
	}
}

func TestCheckRole(t *testing.T) {
	t.Parallel()
	thing := parseThing(t, limits)
	v, diags := hcldec.Decode(body(t, "vlan = \"7\"\nowner = \"x\"\nname = \"ab\""), thing.DecoderSpec(), evalContext())
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for role, want := range map[string][]string{"Admin": nil, "DomainAdmin": {"vlan"}, "User": {"vlan", "owner"}, "": {"vlan", "owner"}, "Made up": {"vlan", "owner"}} {
		var got []string
		for _, p := range thing.CheckRole(v, role) {
			got = append(got, FormatPath(p.Path))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("role %q (-want +got)\n%s", role, diff)
		}
	}
}
