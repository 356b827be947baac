// Reads a deploy file as its own launcher would: deploy compose FILE, deploy nomad FILE.
package main

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/nomad/api"
)

func main() {
	check, file := compose, os.Args[2]
	if os.Args[1] == "nomad" {
		check = nomad
	}
	if err := check(file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// What Compose itself loads a project with: schema, interpolation, references between services; prints the whole of it.
func compose(file string) error {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithOsEnv, cli.WithProfiles([]string{"*"}))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	text, err := project.MarshalJSON()
	fmt.Println(string(text))
	return err
}

// Syntax, and every attribute and block held against the types of Nomad's own API. Not checked: the kinds of values, and
// the inside of `config`, which belongs to the driver.
func nomad(file string) error {
	parsed, problems := hclparse.NewParser().ParseHCLFile(file)
	if problems.HasErrors() {
		return problems
	}
	body := parsed.Body.(*hclsyntax.Body)
	for name := range body.Attributes {
		return fmt.Errorf("%s: nothing but variables and a job stands outside of blocks", name)
	}
	for _, block := range body.Blocks {
		var err error
		switch block.Type {
		case "variable":
			err = walk(block.Body, reflect.TypeFor[variable](), "variable")
		case "job":
			err = walk(block.Body, reflect.TypeFor[api.Job](), "job")
		default:
			err = at(block.TypeRange, block.Type)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type variable struct {
	Type        string `hcl:"type"`
	Default     string `hcl:"default"`
	Description string `hcl:"description"`
}

func walk(body *hclsyntax.Body, kind reflect.Type, path string) error {
	for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice {
		kind = kind.Elem()
	}
	if kind.Kind() == reflect.Map {
		return nil
	}
	known := fields(kind)
	for name, attribute := range body.Attributes {
		if _, ok := known[name]; !ok {
			return at(attribute.NameRange, path+"."+name)
		}
	}
	for _, block := range body.Blocks {
		field, ok := known[block.Type]
		if !ok {
			return at(block.TypeRange, path+"."+block.Type)
		}
		if err := walk(block.Body, field, path+"."+block.Type); err != nil {
			return err
		}
	}
	return nil
}

func fields(kind reflect.Type) map[string]reflect.Type {
	found := map[string]reflect.Type{}
	for i := range kind.NumField() {
		field := kind.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("hcl"), ",")
		if name != "" {
			found[name] = field.Type
		}
	}
	return found
}

func at(where hcl.Range, what string) error {
	return fmt.Errorf("%s: Nomad knows no %s", where, what)
}
