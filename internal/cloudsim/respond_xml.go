package cloudsim

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
)

// serverVersion is the version XML answers carry.
const serverVersion = "4.22.0.0"

// encodeXML writes an answer as XML, the form a server gives unless it is asked for JSON: the envelope is the root, the elements
// of a list stand beside each other under the list's name, an empty list is nothing, and a map is one text, {k=v, l=w}.
func encodeXML(v any) ([]byte, error) {
	raw, err := encode(v)
	if err != nil {
		return nil, err
	}
	var top map[string]map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&top); err != nil {
		return nil, fmt.Errorf("encode an answer as XML: %w", err)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header[:len(xml.Header)-1])
	for envelope, body := range top {
		fmt.Fprintf(&b, `<%s cloud-stack-version="%s">`, envelope, serverVersion)
		writeFields(&b, body)
		fmt.Fprintf(&b, "</%s>", envelope)
	}
	return b.Bytes(), nil
}

// textMaps are the fields that hold a map of texts and not an object.
var textMaps = map[string]bool{
	"details": true, "serviceofferingdetails": true, "otherdeployparams": true, "counterparam": true, "accountdetails": true,
	"resourcedetails": true, "userdatadetails": true, "templatedetails": true, "vmdetails": true, "readonlydetails": true,
	"hostdetails": true, "networkdetails": true, "storagecapabilities": true, "domaindetails": true,
}

func writeFields(b *bytes.Buffer, fields map[string]any) {
	names := sortedKeys(fields)
	if n, ok := fields["count"]; ok {
		writeField(b, "count", n)
	}
	for _, name := range names {
		if name != "count" && name != "uuidList" {
			writeField(b, name, fields[name])
		}
	}
}

func writeField(b *bytes.Buffer, name string, v any) {
	switch x := v.(type) {
	case nil:
	case []any:
		for _, element := range x {
			writeField(b, name, element)
		}
	case map[string]any:
		if textMaps[name] {
			writeText(b, name, mapText(x))
			return
		}
		fmt.Fprintf(b, "<%s>", name)
		writeFields(b, x)
		fmt.Fprintf(b, "</%s>", name)
	default:
		writeText(b, name, fmt.Sprint(x))
	}
}

// mapText is a map as the server's language prints it.
func mapText(m map[string]any) string {
	parts := make([]string, 0, len(m))
	for _, k := range sortedKeys(m) {
		parts = append(parts, fmt.Sprintf("%s=%v", k, m[k]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func writeText(b *bytes.Buffer, name, text string) {
	fmt.Fprintf(b, "<%s>", name)
	xml.EscapeText(b, []byte(text)) //nolint:errcheck // a buffer takes everything
	fmt.Fprintf(b, "</%s>", name)
}
