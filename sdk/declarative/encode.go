package declarative

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// The ways `encode:` turns a value into parameters. Without one, lists become
// a comma list and maps name[0].key=value.
const (
	encodeBase64 = "base64"     // text, base64 encoded
	encodePorts  = "port_range" // "80-90" into the two parameters of `param: first/last`
	encodeMap    = "[0].k"      // name[0].<key>=<value>
)

// encodePairs matches encodings such as "[0].key/.value", which become
// name[i].key=… and name[i].value=….
var encodePairs = regexp.MustCompile(`^\[0\]\.([a-z]+)/\.([a-z]+)$`)

// paramName is the API parameter of an attribute by convention.
func paramName(a *pluginspec.Attribute) string {
	if a.Param != "" {
		return a.Param
	}
	return strings.ReplaceAll(a.Name, "_", "")
}

// paramNames lists the API parameters of an attribute.
func paramNames(a *pluginspec.Attribute) []string {
	if a.Encode == encodePorts {
		return strings.Split(paramName(a), "/")
	}
	return []string{paramName(a)}
}

// encodeAttribute adds the parameters of one attribute. Null and not yet known
// values are not sent.
func encodeAttribute(params cloudstack.Params, a *pluginspec.Attribute, v cty.Value) error {
	v, _ = v.UnmarkDeep()
	if v.IsNull() || !v.IsWhollyKnown() {
		return nil
	}
	name := paramName(a)
	switch {
	case a.Encode == encodeBase64:
		params[name] = base64.StdEncoding.EncodeToString([]byte(v.AsString()))
		return nil
	case a.Encode == encodePorts:
		return encodePortRange(params, paramNames(a), v)
	case v.Type().IsMapType() || v.Type().IsObjectType():
		return encodeEntries(params, name, a.Encode, v)
	}
	text, send, err := paramText(v)
	if err != nil {
		return fmt.Errorf("attribute %s: %w", a.Name, err)
	}
	if send {
		params[name] = text
	}
	return nil
}

func encodePortRange(params cloudstack.Params, names []string, v cty.Value) error {
	first, last, ranged := strings.Cut(v.AsString(), "-")
	if !ranged {
		last = first
	}
	for i, port := range []string{first, last} {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return fmt.Errorf("port range %q: write a port such as 80, or a range such as 8000-8010", v.AsString())
		}
		if i < len(names) {
			params[names[i]] = port
		}
	}
	return nil
}

func encodeEntries(params cloudstack.Params, name, encoding string, v cty.Value) error {
	entries, err := textMap(v)
	if err != nil {
		return err
	}
	if pair := encodePairs.FindStringSubmatch(encoding); pair != nil {
		params.Pairs(name, pair[1], pair[2], entries)
		return nil
	}
	if encoding != "" && encoding != encodeMap {
		return fmt.Errorf("encoding %q is not known", encoding)
	}
	params.Map(name, entries)
	return nil
}

// textMap is a map or object of plain values as text; null entries are left
// out.
func textMap(v cty.Value) (map[string]string, error) {
	entries := map[string]string{}
	if v == cty.NilVal || v.IsNull() || !v.IsKnown() {
		return entries, nil
	}
	for key, item := range v.AsValueMap() {
		text, send, err := paramText(item)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", key, err)
		}
		if send {
			entries[key] = text
		}
	}
	return entries, nil
}

// paramText is a value as one parameter: lists are joined with commas, those of
// a set in order. send is false for null.
func paramText(v cty.Value) (text string, send bool, err error) {
	v, _ = v.UnmarkDeep()
	if v.IsNull() {
		return "", false, nil
	}
	if !v.IsWhollyKnown() {
		return "", false, fmt.Errorf("the value is known only after apply")
	}
	ty := v.Type()
	switch {
	case ty == cty.String:
		return v.AsString(), true, nil
	case ty == cty.Bool:
		return strconv.FormatBool(v.True()), true, nil
	case ty == cty.Number:
		return v.AsBigFloat().Text('f', -1), true, nil
	case ty.IsListType() || ty.IsSetType() || ty.IsTupleType():
		words := make([]string, 0, v.LengthInt())
		for _, item := range v.AsValueSlice() {
			word, ok, err := paramText(item)
			if err != nil {
				return "", false, err
			}
			if ok {
				words = append(words, word)
			}
		}
		if ty.IsSetType() {
			slices.Sort(words)
		}
		return strings.Join(words, ","), true, nil
	}
	return "", false, fmt.Errorf("a %s cannot be sent as one parameter", ty.FriendlyName())
}
