package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// MarshalValue packs a value of a type for the wire. Marks do not travel:
// which attributes are sensitive is known from plugin.yaml and the state.
// cty.NilVal gives nil: nothing is sent.
func MarshalValue(v cty.Value, typ cty.Type) (*Value, error) {
	if v == cty.NilVal {
		return nil, nil
	}
	v, _ = v.UnmarkDeep()
	v, err := convert.Convert(v, typ)
	if err != nil {
		return nil, fmt.Errorf("pack a value: %w", err)
	}
	data, err := msgpack.Marshal(v, typ)
	if err != nil {
		return nil, fmt.Errorf("pack a value: %w", err)
	}
	return &Value{Msgpack: data}, nil
}

// MarshalJSONValue is MarshalValue for peers without msgpack: JSON, with the
// paths of what is not known beside it.
func MarshalJSONValue(v cty.Value, typ cty.Type) (*Value, error) {
	if v == cty.NilVal {
		return nil, nil
	}
	v, _ = v.UnmarkDeep()
	v, err := convert.Convert(v, typ)
	if err != nil {
		return nil, fmt.Errorf("pack a value: %w", err)
	}
	out := &Value{}
	tree, err := encode(v, typ, nil, &out.Unknown)
	if err != nil {
		return nil, fmt.Errorf("pack a value: %w", err)
	}
	if out.Json, err = json.Marshal(tree); err != nil {
		return nil, fmt.Errorf("pack a value: %w", err)
	}
	return out, nil
}

// AsJSON is a packed value for peers without msgpack.
func AsJSON(w *Value, typ cty.Type) (*Value, error) {
	if len(w.GetMsgpack()) == 0 {
		return w, nil
	}
	v, err := UnmarshalValue(w, typ)
	if err != nil {
		return nil, err
	}
	return MarshalJSONValue(v, typ)
}

// UnmarshalValue unpacks a value of a type. What was not sent is null.
func UnmarshalValue(w *Value, typ cty.Type) (cty.Value, error) {
	switch {
	case len(w.GetMsgpack()) > 0:
		v, err := msgpack.Unmarshal(w.GetMsgpack(), typ)
		if err != nil {
			return cty.NilVal, fmt.Errorf("unpack a value: %w", err)
		}
		return v, nil
	case len(w.GetJson()) == 0:
		return cty.NullVal(typ), nil
	}
	dec := json.NewDecoder(bytes.NewReader(w.GetJson()))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return cty.NilVal, fmt.Errorf("unpack a value: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return cty.NilVal, errors.New("unpack a value: something stands behind the JSON")
	}
	d := decoder{unknown: make(map[string]bool, len(w.GetUnknown()))}
	for _, path := range w.GetUnknown() {
		d.unknown[path] = false
	}
	v, err := d.decode(tree, typ, nil)
	if err != nil {
		return cty.NilVal, fmt.Errorf("unpack a value: %w", err)
	}
	for path, met := range d.unknown {
		if !met {
			return cty.NilVal, fmt.Errorf("unpack a value: the unknown path %q leads nowhere", path)
		}
	}
	return v, nil
}
