package cloudsim

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
)

// ids pairs what a recording calls something with what it is called here: ids and addresses.
type ids map[string]string

var (
	uuidText   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	uuidInside = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	ipInside   = regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`)
	// ids of things the recording never showed by themselves
	quotedUUID = regexp.MustCompile(`"uuid": ?"[0-9a-f-]{36}"`)
	// numbers that the server counts up: they leak into texts
	counted = regexp.MustCompile(`("(?:id|networkId|dataCenterId|networkofferingid|instanceId|vpcId|loadBalancerId|profileId)": ?"?)\d+|(Id=|ID=|domain id=|Domain Id = |rule:|rule |vm id=|VM \[|virtual machine with id |zone |i-2-|id \[|"uniqueName":")[0-9a-f-]+\b`)
)

// formatInside is the format of an image, which belongs to the hypervisor: the recorded cloud had simulated ones.
var formatInside = regexp.MustCompile(`"format":"[A-Z0-9]+"`)

// noUUID is the id the recordings use for what does not exist.
const noUUID = "00000000-0000-4000-8000-000000000000"

// enums are the fields whose values come from a small set, so that they must be equal.
var enums = map[string]bool{
	"errorcode": true, "cserrorcode": true, "jobstatus": true, "jobresultcode": true, "jobprocstatus": true, "jobresulttype": true,
	"jobinstancetype": true, "cmd": true, "count": true, "state": true, "status": true, "success": true, "traffictype": true, "guestiptype": true,
	"acltype": true, "networktype": true, "type": true, "broadcastdomaintype": true, "allocationstate": true, "resourcetype": true,
	"resourcetypename": true, "protocol": true, "algorithm": true, "purpose": true, "intervaltype": true, "roletype": true,
	"accounttype": true, "templatetype": true, "storagetype": true, "provisioningtype": true, "usersource": true, "powerstate": true,
	"vmstate": true, "vmtype": true, "permission": true, "availability": true, "networkmode": true, "internetprotocol": true,
	"action": true, "relationaloperator": true, "methodname": true, "level": true, "role": true, "clustertype": true,
	"managedstate": true, "resourcestate": true, "virtualmachinetype": true, "scope": true, "apikeyaccess": true, "policy": true,
	"volumetype": true, "volumestate": true, "cachemode": true, "restartrequired": true, "redundantstate": true, "guestvmcidr": false,
}

// translate replaces the recording's ids and addresses in a text by those here.
func (m ids) translate(s string) string {
	here := func(name string) string {
		if v, ok := m[name]; ok {
			return v
		}
		return name
	}
	return ipInside.ReplaceAllStringFunc(uuidInside.ReplaceAllStringFunc(s, here), here)
}

// learn pairs ids and addresses at the same place of both answers; lists are paired by name where elements have one.
func (m ids) learn(recorded, here any) {
	switch a := recorded.(type) {
	case map[string]any:
		b, _ := here.(map[string]any)
		for k, v := range a {
			if k != "uuidList" && k != "jobinstanceid" { // which may name something else of the same number
				m.learn(v, b[k])
			}
		}
	case []any:
		b, _ := here.([]any)
		for i := range a {
			if other := m.partner(a, i, b); other != nil {
				m.learn(a[i], other)
			}
		}
	case string:
		b, ok := here.(string)
		if _, seen := m[a]; seen || !ok {
			return
		}
		ids := uuidText.MatchString(a) && uuidText.MatchString(b)
		addresses := ipInside.FindString(a) == a && a != "" && ipInside.FindString(b) == b
		if ids || addresses {
			m[a] = b
		}
	}
}

// partner finds the element of a list that is meant by an element of a recorded list: by an id that is known and tells elements
// apart, by its name, or else by its place.
func (m ids) partner(recorded []any, i int, list []any) any {
	o, _ := recorded[i].(map[string]any)
	for _, field := range []string{"id", "resourceid", "networkid"} {
		if id, _ := o[field].(string); id != "" && m[id] != "" && len(find(recorded, field, id)) == 1 {
			if others := find(list, field, m[id]); len(others) == 1 {
				return others[0]
			}
		}
	}
	for _, field := range []string{"name", "resourcetypename"} {
		if o[field] == nil {
			continue
		}
		if others := find(list, field, o[field]); len(others) > 0 {
			return others[0]
		}
		if len(list) != len(recorded) {
			return nil
		}
	}
	if i < len(list) {
		return list[i]
	}
	return nil
}

// find lists the elements whose field has a value.
func find(list []any, field string, value any) (found []any) {
	for _, candidate := range list {
		if c, _ := candidate.(map[string]any); c[field] == value {
			found = append(found, candidate)
		}
	}
	return found
}

// differences lists where an answer has other keys, types or values of enums than the recorded one, or another error.
func (m ids) differences(path string, recorded, here any) []string {
	switch a := recorded.(type) {
	case map[string]any:
		b, ok := here.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: want an object, got %v", path, here)}
		}
		return m.objects(path, a, b)
	case []any:
		b, ok := here.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s: want a list, got %v", path, here)}
		}
		seen, out := make(map[string]bool), []string(nil)
		for i := range a {
			other := m.partner(a, i, b)
			if other == nil {
				continue
			}
			for _, d := range m.differences(path+"[]", a[i], other) {
				if !seen[d] {
					seen[d], out = true, append(out, d)
				}
			}
		}
		return out
	}
	if fmt.Sprintf("%T", recorded) != fmt.Sprintf("%T", here) {
		return []string{fmt.Sprintf("%s: want %T %v, got %T %v", path, recorded, recorded, here, here)}
	}
	return nil
}

func (m ids) objects(path string, a, b map[string]any) []string {
	var out []string
	for _, k := range sortedKeys(a) {
		v, has := b[k]
		switch {
		case !has:
			out = append(out, fmt.Sprintf("%s.%s is missing", path, k))
		case k == "errortext":
			if want, got := normal(m.translate(fmt.Sprint(a[k]))), normal(fmt.Sprint(v)); want != got {
				out = append(out, fmt.Sprintf("%s.errortext:\n\twant %s\n\tgot  %s", path, want, got))
			}
		case enums[k] && scalar(a[k]):
			if v != a[k] {
				out = append(out, fmt.Sprintf("%s.%s: want %v, got %v", path, k, a[k], v))
			}
		default:
			out = append(out, m.differences(path+"."+k, a[k], v)...)
		}
	}
	for _, k := range sortedKeys(b) {
		if _, ok := a[k]; !ok {
			out = append(out, fmt.Sprintf("%s.%s is too much", path, k))
		}
	}
	return out
}

func scalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// normal replaces what counts up in texts by a mark.
func normal(s string) string {
	s = quotedUUID.ReplaceAllString(counted.ReplaceAllString(s, "${1}${2}N"), `"uuid":"U"`)
	return formatInside.ReplaceAllString(s, `"format":"F"`)
}

// parseXML reads an XML answer into the form of a JSON one: elements of one name that stand beside each other are a list.
func parseXML(t *testing.T, document string) (envelope string, body map[string]any) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(document))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			t.Fatalf("no element in %q", document)
		}
		if err != nil {
			t.Fatalf("parse %q: %v", document, err)
		}
		if start, ok := token.(xml.StartElement); ok {
			body, _ := readElement(t, d).(map[string]any)
			return start.Name.Local, body
		}
	}
}

func readElement(t *testing.T, d *xml.Decoder) any {
	t.Helper()
	var text strings.Builder
	children := make(map[string]any)
	for {
		token, err := d.Token()
		if err != nil {
			t.Fatalf("parse XML: %v", err)
		}
		switch v := token.(type) {
		case xml.CharData:
			text.Write(v)
		case xml.StartElement:
			child := readElement(t, d)
			if _, isObject := child.(map[string]any); isObject {
				list, _ := children[v.Name.Local].([]any)
				children[v.Name.Local] = append(list, child)
				continue
			}
			children[v.Name.Local] = child
		case xml.EndElement:
			if len(children) > 0 {
				return children
			}
			return text.String()
		}
	}
}
