package cloud

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/moldctl/moldctl/core/diag"
)

// profiles are the named settings of this user.
type profiles struct {
	path   string // of config.yaml, there or not
	byName map[string]source
	// own is the current profile of config.yaml, and monkey that of
	// CloudMonkey, used when the former is not set.
	own, monkey string
}

// config is the form of config.yaml:
//
//	current: prod
//	profiles:
//	  prod:
//	    endpoint: https://mold.example.com/client/api
//	    api_key: …
//	    secret_key: …
//	    zone: zone-1          # any setting of a cloud block
type config struct {
	Current  string                       `yaml:"current"`
	Profiles map[string]map[string]scalar `yaml:"profiles"`
}

// scalar takes a YAML scalar as it is written: a key like 0123 stays one.
type scalar string

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *scalar) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: a setting is one value, not a list or a mapping", node.Line)
	}
	if node.Tag != "!!null" {
		*s = scalar(node.Value)
	}
	return nil
}

// readProfiles reads config.yaml and CloudMonkey's config, as far as they exist.
func (in Input) readProfiles(s *Settings) (*profiles, error) {
	p := &profiles{path: filepath.Join(in.configDir(), "moldctl", "config.yaml"), byName: map[string]source{}}
	if in.Home == "" && in.ConfigDir == "" {
		return p, nil
	}
	if err := in.readMonkey(p); err != nil {
		return nil, err
	}
	info, err := os.Stat(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read profiles: %w", err)
	}
	if err := in.readConfig(p); err != nil {
		return nil, fmt.Errorf("read profiles %s: %w", p.path, err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && p.holdsSecrets() {
		s.Warnings = append(s.Warnings, fmt.Sprintf("Others may read the secret keys in %s (mode %04o). Run: chmod 600 %[1]s", p.path, mode))
	}
	return p, nil
}

func (in Input) readConfig(p *profiles) error {
	text, err := os.ReadFile(p.path)
	if err != nil {
		return err
	}
	var c config
	if err := yaml.Load(text, &c, yaml.WithKnownFields()); err != nil && len(strings.TrimSpace(string(text))) > 0 {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Profiles)) {
		values := Values{}
		for setting, v := range c.Profiles[name] {
			if setting == Profile || !slices.Contains(Names(), setting) {
				return fmt.Errorf("profile %q has no setting %q.%s", name, setting, diag.DidYouMean(setting, Names()))
			}
			values[setting] = string(v)
		}
		values[CACert] = anchor(values[CACert], filepath.Dir(p.path), in.Home)
		p.byName[name] = profileSource(name, p.path, values)
	}
	if p.own = c.Current; p.own != "" {
		if _, ok := c.Profiles[p.own]; !ok {
			return fmt.Errorf("current is %q, and there is no such profile.%s", p.own, diag.DidYouMean(p.own, slices.Collect(maps.Keys(c.Profiles))))
		}
	}
	return nil
}

func profileSource(name, path string, values Values) source {
	return source{name: fmt.Sprintf("profile %q", name), whole: true, values: values, label: func(setting string) string {
		return fmt.Sprintf("%s of profile %q (%s)", setting, name, path)
	}}
}

func (p *profiles) holdsSecrets() bool {
	for _, src := range p.byName {
		if src.values[SecretKey] != "" {
			return true
		}
	}
	return false
}

// named returns the profile that some setting asks for.
func (p *profiles) named(name, askedBy string) (source, error) {
	src, ok := p.byName[name]
	if ok {
		return src, nil
	}
	names := slices.Collect(maps.Keys(p.byName))
	if len(names) == 0 {
		return src, fmt.Errorf("%s asks for profile %q, and there is no profile in %s", askedBy, name, p.path)
	}
	hint := diag.DidYouMean(name, names)
	if hint == "" {
		hint = " There are: " + diag.List(names) + "."
	}
	return src, fmt.Errorf("%s asks for profile %q, which is not in %s.%s", askedBy, name, p.path, hint)
}

// current returns the profile used when none is asked for, if there is one.
func (p *profiles) current() []source {
	for _, name := range []string{p.own, p.monkey} {
		if src, ok := p.byName[name]; ok && name != "" {
			return []source{src}
		}
	}
	return nil
}
