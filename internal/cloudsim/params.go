package cloudsim

import (
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/moldctl/moldctl/internal/cloudsim/apitable"
)

// Params are the parameters of a call. Names are lower-cased up to the first '['; fields of maps keep their case.
type Params map[string]string

// newParams lower-cases names as the server does; of duplicates the last one wins.
func newParams(query, form url.Values) Params {
	p := make(Params, len(query)+len(form))
	for _, values := range []url.Values{form, query} {
		for name, v := range values {
			if len(v) > 0 {
				p[lowerName(name)] = v[len(v)-1]
			}
		}
	}
	return p
}

func lowerName(name string) string {
	if i := strings.IndexByte(name, '['); i > 0 {
		return strings.ToLower(name[:i]) + name[i:]
	}
	return strings.ToLower(name)
}

// Has reports whether a parameter (or, for a map, one of its entries) was given.
func (p Params) Has(name string) bool {
	if _, ok := p[name]; ok {
		return true
	}
	for k := range p {
		if strings.HasPrefix(k, name+"[") {
			return true
		}
	}
	return false
}

// Str is the text of a parameter, "" if it was not given.
func (p Params) Str(name string) string { return p[name] }

// Or is the text of a parameter, or def if it was not given or is empty.
func (p Params) Or(name, def string) string {
	if v := p[name]; v != "" {
		return v
	}
	return def
}

// Bool is a parameter's truth: "true" in any case is true, every other text false; def if it was not given.
func (p Params) Bool(name string, def bool) bool {
	v, ok := p[name]
	if !ok {
		return def
	}
	return strings.EqualFold(v, "true")
}

// Int is a parameter's number, def if it was not given. The generic checks have already refused anything but numbers.
func (p Params) Int(name string, def int) int {
	n, err := strconv.Atoi(strings.TrimSpace(p[name]))
	if err != nil {
		return def
	}
	return n
}

// Int64 is Int for long parameters.
func (p Params) Int64(name string, def int64) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(p[name]), 10, 64)
	if err != nil {
		return def
	}
	return n
}

// List is a comma-separated parameter without empty elements.
func (p Params) List(name string) []string {
	var out []string
	for _, v := range strings.Split(p[name], ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// Maps are the entries of a map parameter in the order of their index: x[0].k=v, x[0].l=w, x[1].k=v.
func (p Params) Maps(name string) []map[string]string {
	byIndex := make(map[int]map[string]string)
	for k, v := range p {
		index, field, ok := splitIndexed(k, name)
		if !ok {
			continue
		}
		if byIndex[index] == nil {
			byIndex[index] = make(map[string]string)
		}
		byIndex[index][field] = v
	}
	order := make([]int, 0, len(byIndex))
	for i := range byIndex {
		order = append(order, i)
	}
	sort.Ints(order)
	out := make([]map[string]string, 0, len(order))
	for _, i := range order {
		out = append(out, byIndex[i])
	}
	return out
}

// Map flattens a map parameter. Both forms are understood: x[0].key=k&x[0].value=v and x[0].k=v.
func (p Params) Map(name string) map[string]string {
	out := make(map[string]string)
	for _, entry := range p.Maps(name) {
		key, hasKey := entry["key"]
		value, hasValue := entry["value"]
		if hasKey && hasValue {
			out[key] = value
			continue
		}
		for k, v := range entry {
			out[k] = v
		}
	}
	return out
}

func splitIndexed(key, name string) (index int, field string, ok bool) {
	rest, ok := strings.CutPrefix(key, name+"[")
	if !ok {
		return 0, "", false
	}
	digits, field, ok := strings.Cut(rest, "].")
	if !ok {
		return 0, "", false
	}
	index, err := strconv.Atoi(digits)
	return index, field, err == nil
}

// checkParams does the checks every command shares, in the server's words. label is the command's name in texts.
func checkParams(t *Tables, cmd *apitable.Command, kinds map[string]kind, label string, p Params) error {
	for _, k := range sortedKeys(p) {
		if err := checkName(k, p[k]); err != nil {
			return err
		}
	}
	for _, name := range required(cmd) {
		if !p.Has(name) {
			return errMissing(label, name)
		}
	}
	for _, param := range cmd.Params {
		v, ok := p[param.Name]
		if !ok {
			continue
		}
		if v == "" && param.Required {
			return errEmpty(label, param)
		}
		if v == "" && param.Type != apitable.String && param.Type != apitable.List { // an empty list empties
			delete(p, param.Name) // as if it had not been given
			continue
		}
		if err := checkValue(t, param, kinds, label, p, v); err != nil {
			return err
		}
	}
	return nil
}

// required are the parameters a command cannot do without, in the order in which the server looks for them.
func required(cmd *apitable.Command) []string {
	if order, ok := declaredOrder[cmd.Name]; ok {
		return order
	}
	var names []string
	for _, param := range cmd.Params {
		if param.Required {
			names = append(names, param.Name)
		}
	}
	return names
}

func checkName(name, value string) error {
	for _, r := range value {
		if r < 0x20 && r != '\n' && r != '\r' || r == 0x7f {
			return BadParam("Received value containing illegal ASCII non-printable characters for parameter %s", name)
		}
	}
	open := strings.IndexByte(name, '[')
	if open <= 0 {
		return nil
	}
	_, _, ok := splitIndexed(name, name[:open])
	if !ok || strings.Count(name, "[") > 1 && !strings.Contains(name[open:], "].") {
		return Fail(430, csServer, "Unable to decode parameter %s; if specifying an object array, please use parameter[index].field=XXX, e.g. userGroupList[0].group=httpGroup", name)
	}
	return nil
}

// checkValue checks one value. An internal number in place of an id is replaced in p.
func checkValue(t *Tables, param apitable.Param, kinds map[string]kind, label string, p Params, v string) error {
	switch param.Type {
	case apitable.Integer, apitable.Short:
		if _, err := strconv.ParseInt(strings.TrimSpace(v), 10, 32); err != nil {
			return errNumber(label, param.Name, v)
		}
	case apitable.Long:
		if _, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err != nil {
			return errNumber(label, param.Name, v)
		}
	case apitable.UUID:
		if _, known := kinds[param.Name]; !known && paramKinds[param.Name] == kindAny && moreParamKinds[param.Name] == kindAny {
			return errNoEntity(label, param.Name, v) // of a kind this cloud has nothing of
		}
		if id, ok := entityNumbered(t, param.Name, kinds, v); ok {
			p[param.Name] = id
			return nil
		}
		return checkEntity(t, param.Name, kinds, label, v)
	case apitable.List:
		for _, id := range (Params{param.Name: v}).List(param.Name) {
			if err := checkEntity(t, param.Name, kinds, label, id); err != nil {
				return err
			}
		}
	case apitable.Date:
		if _, err := parseDate(v); err != nil {
			return BadParam("Unable to parse date %s for command %s, please pass dates in the format mentioned in the api documentation", v, label)
		}
	case apitable.String:
		if len(utf16.Encode([]rune(v))) > param.Length { // as Java counts
			return BadParam("Unable to execute API command %s due to invalid value. Value greater than max allowed length %d for param: %s", label, param.Length, javaField(label, param.Name))
		}
	}
	return nil
}

func errNumber(label, param, v string) error {
	return BadParam("Unable to execute API command %s due to invalid value %s for parameter %s", label, v, param)
}

func checkEntity(t *Tables, param string, kinds map[string]kind, label, v string) error {
	k, ok := kinds[param]
	if !ok {
		k, ok = kindOfParam(param)
	}
	if !ok || k == kindAny || k == kindProject && v == "-1" {
		return nil
	}
	if !entityExists(t, k, v) {
		return errNoEntity(label, param, v)
	}
	return nil
}

func parseDate(v string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04:05", time.RFC3339, "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("parse date %q: unknown layout", v)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
