// client CALLS: the same as client.py, with pgx, which asks the server for the types of parameters.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

var mark = regexp.MustCompile(`\{([^}]*)\}`)

func value(text, of string) any {
	if text == `\N` {
		return nil
	}
	if element, isArray := strings.CutSuffix(of, "[]"); isArray {
		inner := strings.Trim(text, "{}")
		ints, floats, texts := []int64{}, []float64{}, []string{}
		for _, part := range strings.Split(inner, ",") {
			switch one := value(part, element).(type) {
			case int64:
				ints = append(ints, one)
			case float64:
				floats = append(floats, one)
			case string:
				if inner != "" {
					texts = append(texts, one)
				}
			}
		}
		switch element {
		case "int", "bigint":
			return ints
		case "float8":
			return floats
		}
		return texts
	}
	switch of {
	case "smallint", "int", "bigint":
		if number, err := strconv.ParseInt(text, 10, 64); err == nil {
			return number
		}
		return nil
	case "float8":
		if number, err := strconv.ParseFloat(text, 64); err == nil {
			return number
		}
		return nil
	}
	return text
}

func shown(value any) string {
	if id, isUuid := value.([16]byte); isUuid {
		return fmt.Sprintf("%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:])
	}
	return fmt.Sprint(value)
}

func call(connection *pgx.Conn, statement string, parameters []any) (string, string, error) {
	rows, err := connection.Query(context.Background(), statement, parameters...)
	if err != nil {
		return "", "", err
	}
	defer rows.Close()
	var values []string
	class := ""
	for rows.Next() {
		row, err := rows.Values()
		if err != nil {
			return "", "", err
		}
		if class == "" {
			class = fmt.Sprintf("%T", row[0])
		}
		values = append(values, shown(row[0]))
	}
	return strings.Join(values, ","), class, rows.Err()
}

func main() {
	connection, err := pgx.Connect(context.Background(), "")
	if err != nil {
		panic(err)
	}
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Split(lines.Text(), "\t")
		name, texts := fields[0], fields[2:]
		var parameters []any
		statement := mark.ReplaceAllStringFunc(fields[1], func(found string) string {
			of := strings.Trim(found, "{}")
			parameters = append(parameters, value(texts[len(parameters)], of))
			place := fmt.Sprintf("$%d", len(parameters))
			if strings.HasPrefix(name, "untyped") {
				return place
			}
			return place + "::" + of
		})
		values, class, err := call(connection, statement, parameters)
		if err != nil {
			values, class = "ERROR: "+err.Error(), ""
		}
		fmt.Printf("%s\t%s\t%s\n", name, values, class)
	}
}
