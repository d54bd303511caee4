package cloud

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// readMonkey adds CloudMonkey's profiles: sections of an INI file with url,
// apikey and secretkey. Those without a key pair (a fresh installation has one
// with a user name) are left out, because moldctl does not log in.
func (in Input) readMonkey(p *profiles) error {
	for _, path := range []string{filepath.Join(in.Home, ".cmk", "config"), filepath.Join(in.Home, ".cloudmonkey", "config")} {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read CloudMonkey's profiles: %w", err)
		}
		sections := parseINI(string(text))
		global := sections[""]
		for setting, value := range sections["core"] {
			global[setting] = value
		}
		for name, section := range sections {
			if section["url"] == "" || section["apikey"] == "" || section["secretkey"] == "" {
				continue
			}
			values := Values{Endpoint: section["url"], APIKey: section["apikey"], SecretKey: section["secretkey"]}
			if strings.EqualFold(first(section["verifycert"], section["verifysslcert"], global["verifycert"], global["verifysslcert"]), "false") {
				values[Insecure] = "true"
			}
			if domain := section["domain"]; domain != "" && domain != "/" && section["account"] != "" {
				values[Domain], values[Account] = domain, section["account"]
			}
			p.byName[name] = profileSource(name, path, values)
		}
		p.monkey = global["profile"]
		return nil
	}
	return nil
}

// parseINI reads sections of "name = value" lines. Lines that are neither are
// skipped, as CloudMonkey does.
func parseINI(text string) map[string]map[string]string {
	sections := map[string]map[string]string{"": {}}
	section := sections[""]
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		if name, ok := strings.CutPrefix(line, "["); ok {
			name, _, _ = strings.Cut(name, "]")
			if sections[name] == nil {
				sections[name] = map[string]string{}
			}
			section = sections[name]
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok {
			section[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(value), "`\"")
		}
	}
	return sections
}

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
