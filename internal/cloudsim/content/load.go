package content

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strconv"
)

// Bounds of what a content file may hold, so that a slip of the pen does not fill the memory.
const (
	maxContentFile = 8 << 20
	maxTree        = 64 << 20
	maxAddresses   = 4096
)

// Load reads a content file. Its error is either Problems, everything that is wrong with it, or says why it cannot be read.
func Load(name string) (*File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read start content: %w", err)
	}
	if info.Size() > maxContentFile {
		return nil, fmt.Errorf("read start content: %s is larger than %d MiB", name, maxContentFile>>20)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read start content: %w", err)
	}
	return Parse(name, text)
}

// Parse reads the text of a content file; files it names are looked for beside name.
func Parse(name string, text []byte) (*File, error) {
	usual, err := Default()
	if err != nil {
		return nil, err
	}
	d := &decoder{name: name, at: make(map[any]position)}
	f := &File{name: name, at: d.at}
	if root := d.document(text); root != nil {
		d.structure(root, reflect.ValueOf(f).Elem())
	}
	f.fillIn(usual)
	f.giveIDs(usual)
	f.fillUsers()
	if len(d.problems) > 0 { // half a value would be reported twice
		return nil, d.result()
	}
	f.readTrees(d)
	f.check(d)
	if err := d.result(); err != nil {
		return nil, err
	}
	return f, nil
}

// fillIn takes the sections a file leaves out from the default. An empty list is not left out.
func (f *File) fillIn(usual *File) {
	to, from := reflect.ValueOf(f).Elem(), reflect.ValueOf(usual).Elem()
	for _, field := range fieldsOf(to.Type()) {
		if v := to.Field(field.index); v.IsNil() {
			v.Set(from.Field(field.index))
		}
	}
}

// builtinIDs are the ids of what a fresh installation has, by section and name; several things may share a name.
func builtinIDs(usual *File) map[string][]string {
	ids := make(map[string][]string)
	usual.eachID(func(key string, id *string) { ids[key] = append(ids[key], *id) })
	return ids
}

// giveIDs gives things that are called as built-in ones, and say no id, the ids of those.
func (f *File) giveIDs(usual *File) {
	ids := builtinIDs(usual)
	f.eachID(func(key string, id *string) {
		if *id == "" && len(ids[key]) > 0 {
			*id, ids[key] = ids[key][0], ids[key][1:]
		}
	})
}

// withoutIDs blanks the ids that giveIDs would give.
func (f *File) withoutIDs(usual *File) {
	ids := builtinIDs(usual)
	f.eachID(func(key string, id *string) {
		if len(ids[key]) > 0 && ids[key][0] == *id {
			*id, ids[key] = "", ids[key][1:]
		}
	})
}

// eachID visits the ids of what may be built in.
func (f *File) eachID(visit func(key string, id *string)) {
	for i := range f.ServiceOfferings {
		visit("service/"+f.ServiceOfferings[i].Name, &f.ServiceOfferings[i].ID)
	}
	for i := range f.DiskOfferings {
		visit("disk/"+f.DiskOfferings[i].Name, &f.DiskOfferings[i].ID)
	}
	for i := range f.NetworkOfferings {
		visit("network/"+f.NetworkOfferings[i].Name, &f.NetworkOfferings[i].ID)
	}
	for i := range f.VPCOfferings {
		visit("vpc/"+f.VPCOfferings[i].Name, &f.VPCOfferings[i].ID)
	}
	for i := range f.OSTypes {
		visit("os/"+f.OSTypes[i].Category+"/"+f.OSTypes[i].Name, &f.OSTypes[i].ID)
	}
}

// walkIDs visits every id.
func (f *File) walkIDs(visit func(id *string)) {
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			for _, field := range fieldsOf(v.Type()) {
				if id, ok := v.Field(field.index).Addr().Interface().(*string); ok && field.key == "id" {
					visit(id)
				}
				walk(v.Field(field.index))
			}
		}
	}
	walk(reflect.ValueOf(f).Elem())
}

// fillUsers gives an account without users one that is called as it.
func (f *File) fillUsers() {
	for i := range f.Accounts {
		if a := &f.Accounts[i]; len(a.Users) == 0 {
			a.Users = []UserSpec{{Name: a.Name, FirstName: "First", LastName: "Last", Password: "password"}}
		}
	}
}

// readTrees reads the folders and files of images.
func (f *File) readTrees(d *decoder) {
	total := 0
	for i := range f.Templates {
		t := &f.Templates[i]
		trees := []func() ([]TreeFile, error){func() ([]TreeFile, error) { return f.folder(t.Folder) }}
		at := []any{&t.Folder}
		for j := range t.Files {
			trees = append(trees, func() ([]TreeFile, error) { return f.file(t.Files[j]) })
			at = append(at, &t.Files[j].Path)
		}
		for j, read := range trees {
			files, err := read()
			if err != nil {
				d.failAt(f.at[at[j]], "template %q: %s", t.Name, err)
				continue
			}
			for _, one := range files {
				total += len(one.Data)
			}
			t.Tree = append(t.Tree, files...)
		}
		if total > maxTree {
			d.failAt(f.at[&t.Name], "template %q: the files of all templates are larger than %d MiB", t.Name, maxTree>>20)
			return
		}
	}
}

func (f *File) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(f.name), name)
}

// folder is everything below a folder, with the modes it has there.
func (f *File) folder(name string) ([]TreeFile, error) {
	if name == "" {
		return nil, nil
	}
	root := os.DirFS(f.beside(name))
	var out []TreeFile
	total := int64(0)
	err := fs.WalkDir(root, ".", func(at string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no plain file", at)
		}
		if total += info.Size(); total > maxTree {
			return fmt.Errorf("the folder %s is larger than %d MiB", name, maxTree>>20)
		}
		data, err := fs.ReadFile(root, at)
		out = append(out, TreeFile{Path: "/" + at, Data: data, Mode: uint32(info.Mode().Perm())})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the folder %s: %w", name, err)
	}
	return out, nil
}

func (f *File) file(s FileSpec) ([]TreeFile, error) {
	mode, err := strconv.ParseUint(s.Mode, 8, 32)
	switch {
	case err != nil:
		return nil, fmt.Errorf("mode %s: %w", s.Mode, err)
	case !path.IsAbs(s.Path) || path.Clean(s.Path) != s.Path || s.Path == "/":
		return nil, fmt.Errorf("the path %s is not absolute and clean", s.Path)
	case s.Content != "" && s.From != "":
		return nil, fmt.Errorf("%s: give content or from, not both", s.Path)
	case s.From == "":
		return []TreeFile{{Path: s.Path, Data: []byte(s.Content), Mode: uint32(mode)}}, nil
	}
	info, err := os.Stat(f.beside(s.From))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", s.From, err)
	}
	if info.Size() > maxTree {
		return nil, fmt.Errorf("%s is larger than %d MiB", s.From, maxTree>>20)
	}
	data, err := os.ReadFile(f.beside(s.From))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", s.From, err)
	}
	return []TreeFile{{Path: s.Path, Data: data, Mode: uint32(mode)}}, nil
}
