package rule

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// run gives the payloads that a statement makes of one message.
func run(t testing.TB, sql string, in Message, o Options) []string {
	t.Helper()
	s, err := Parse(sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var rows []string
	err = New(s, o).Eval(noon, in, func(r Row) {
		payload, err := r.Payload()
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		rows = append(rows, string(payload))
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

func message(payload string) Message { return Message{Topic: "a/b", Payload: []byte(payload)} }

// gives holds expressions, evaluated over the payload, against what they must give as JSON; "" is Undefined.
func gives(t *testing.T, payload string, table [][2]string) {
	t.Helper()
	for _, c := range table {
		rows := run(t, "SELECT VALUE ("+c[0]+") FROM 'a/b'", message(payload), Options{Account: "123456789012"})
		if len(rows) != 1 || rows[0] != c[1] {
			t.Errorf("%s gives %s, want %s", c[0], rows, c[1])
		}
	}
}

// selects holds statements over one payload against the one row they must give; "-" is none.
func selects(t *testing.T, payload string, table [][2]string) {
	t.Helper()
	for _, c := range table {
		rows := run(t, c[0], message(payload), Options{})
		if got := strings.Join(append(rows, "-")[:max(1, len(rows))], " "); got != c[1] {
			t.Errorf("%s gives %s, want %s", c[0], got, c[1])
		}
	}
}

const press = `{"temp": 21.5, "n": 7, "on": true, "name": "press", "none": null, "state": {"reported": {"oil": 80}}, "list": [1, 2, 3], "odd-key": 1, "true_text": "TRUE"}`

func TestRE1_Grammar(t *testing.T) {
	selects(t, press, [][2]string{
		{"SELECT temp FROM 'a/b'", `{"temp":21.5}`},
		{"select temp as t, n AS Deep.er.n from 'a/+' where n = 7", `{"t":21.5,"Deep":{"er":{"n":7}}}`},
		{"SELECT n, n + 1 AS a.x, n + 2 AS a.y FROM '#'", `{"n":7,"a":{"x":8,"y":9}}`},
		{"SELECT * FROM 'a/c'", "-"},
		{"SELECT state.reported.oil FROM 'a/b'", `{"oil":80}`},
		{"SELECT topic(1), n * 2 FROM 'a/b'", `{"topic":"a","_2":14}`},
		{"SELECT 'it''s' AS a, \"say \"\"so\"\"\" AS b FROM 'a/b'", `{"a":"it's","b":"say \"so\""}`},
	})
	selects(t, `{"temp":1,"speed":3}`, [][2]string{
		{"SELECT * FROM 'a/b'", `{"temp":1,"speed":3}`},
		{"SELECT *, 15 AS speed FROM 'a/b'", `{"temp":1,"speed":15}`},
		{"SELECT 15 AS speed, * FROM 'a/b'", `{"speed":3,"temp":1}`},
	})
	basic := Message{Topic: "$aws/rules/hall/x/y", Payload: []byte(`{"v":1}`)}
	if got := run(t, "SELECT v, topic() AS t", basic, Options{}); len(got) != 1 || got[0] != `{"v":1,"t":"x/y"}` {
		t.Errorf("basic ingest without FROM: %s", got)
	}
	for sql, want := range map[string]string{
		"SELECT":                                 "1:7: want an expression, not the end",
		"SELECT * FROM a/b":                      "1:15: want a topic filter in single quotes",
		"SELECT *\nFROM 'a' WHER x":              "2:10: did not expect \"WHER\" here",
		"SELECT * FROM 'a' -- why":               "1:19: did not expect",
		"SELECT * /* why */ FROM 'a'":            "1:10: comments are not part",
		"SELECT 'ö', frob(1) FROM 'a'":           "1:13: there is no function \"frob\"",
		"SELECT flor(1) FROM 'a'":                "did you mean floor?",
		"SELECT abs(1, 2) FROM 'a'":              "1:8: abs takes 1 argument, not 2",
		"SELECT * FROM 'a/#/b'":                  "1:15: # stands for the rest",
		"SELECT * FROM 'a/b+'":                   "+ and # stand alone",
		"SELECT a AS FROM 'a'":                   "did not expect the text 'a'",
		"SELECT 'abc FROM a":                     "1:8: the text that begins here has no closing '",
		"SELECT sum(a) FROM 'a'":                 "1:8: sum looks at the events of a window",
		"SELECT a FROM 'a' GROUP BY b":           "GROUP BY needs a window",
		"SELECT a FROM 'a' WHERE sum(a) > 1":     "in HAVING or in the SELECT list",
		"SELECT cast(a AS Blob) FROM 'a'":        "1:18: cast knows the types",
		"SELECT 1e9999 FROM 'a'":                 "beyond 9.99E999",
		"SELECT regexp_matches(a, '(') FROM 'a'": "1:26: error parsing regexp",
		"SELECT group FROM 'a'":                  "get(*, 'group')",
		"SELECT odd#key FROM 'a'":                "1:11: '#' means nothing here",
	} {
		_, err := Parse(sql)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", sql, err, want)
		}
	}
}

func TestRE2_OnlyTrueFires(t *testing.T) {
	selects(t, press, [][2]string{
		{"SELECT n FROM 'a/b' WHERE n > 6", `{"n":7}`},
		{"SELECT n FROM 'a/b' WHERE n > 7", "-"},
		{"SELECT n FROM 'a/b' WHERE missing > 7", "-"},
		{"SELECT n FROM 'a/b' WHERE NOT missing > 7", "-"},
		{"SELECT n FROM 'a/b' WHERE 1", "-"},
		{"SELECT n FROM 'a/b' WHERE on", `{"n":7}`},
		{"SELECT n FROM 'a/b' WHERE true_text", `{"n":7}`},
		{"SELECT n AS m FROM 'a/b' WHERE m = 7", "-"},
	})
}

func TestRE3_Types(t *testing.T) {
	gives(t, `{"ten": 10.0, "big": 1234567890123456789012345678901234, "fine": 0.1234567890123456789012345678901234, "foo": null, "e": 1E3, "tiny": 1e-999}`, [][2]string{
		{"ten", "10"}, {"10.0", "10"}, {"big", "1234567890123456789012345678901234"}, {"fine", "0.1234567890123456789012345678901234"},
		{"big + 1", "1234567890123456789012345678901235"}, {"0.1 + 0.2", "0.3"}, {"1 / 3.5", "0.2857142857142857142857142857142857"},
		{"e", "1000"}, {"tiny", "1E-999"}, {"tiny / 10", "0"}, {"9.99E999 * 10", ""}, {"9999999999999999999999999999999999 + 1", "1E34"},
		{"foo", "null"}, {"bar", ""}, {"{'foo': foo, 'bar': bar}", `{"foo":null}`}, {"NULL", "null"}, {"true", "true"}, {"[bar, 1]", "[null,1]"},
		{"9223372036854775807 + 1", "9223372036854775808"}, {"-9223372036854775808 - 1", "-9223372036854775809"}, {"4611686018427387904 * 2", "9223372036854775808"},
	})
}

func TestRE4_Conversions(t *testing.T) {
	gives(t, press, [][2]string{
		{"abs('-5.123')", "5.123"}, {"'5E-12' * 1", "5E-12"}, {"abs('5 ')", ""}, {"abs('+5')", ""}, {"abs('.5')", ""}, {"abs('1e5')", "100000"},
		{"abs(true)", ""}, {"abs(null)", ""}, {"abs([1])", ""},
		{"'TrUe' AND true", "true"}, {"'yes' AND true", ""}, {"1 AND true", ""},
		{"'' + 1.5", `"1.5"`}, {"'' + true", `"true"`}, {"'' + list", `"[1,2,3]"`}, {"'' + state", `"{\"reported\":{\"oil\":80}}"`}, {"'' + null", ""}, {"'' + 1E-30", `"1E-30"`},
	})
	for _, c := range []struct{ in, want Value }{
		{decimal(t, "2.5"), whole(3)}, {decimal(t, "-2.5"), whole(-3)}, {decimal(t, "2.4"), whole(2)}, {text("2.9"), whole(2)}, {text("-2.9"), whole(-2)},
		{boolean(true), Value{}}, {Value{kind: Null}, Value{kind: Null}}, {float(2.5), whole(3)},
	} {
		if got := toInt(c.in); !same(got, c.want) {
			t.Errorf("%v as an Int is %v, want %v", c.in, got, c.want)
		}
	}
}

func decimal(t *testing.T, s string) Value {
	v, ok := parseNumber(s)
	if !ok {
		t.Fatal(s)
	}
	return v
}

func TestRE5_Operators(t *testing.T) {
	gives(t, press, [][2]string{
		{"true AND false", "false"}, {"true OR false", "true"}, {"NOT true", "false"}, {"true AND missing", ""}, {"missing OR true", ""}, {"NOT 'False'", "true"}, {"NOT 1", ""},
		{"n > 6.9", "true"}, {"'8' > n", "true"}, {"'x' > n", ""}, {"true > false", ""}, {"null < 1", ""}, {"n >= 7", "true"}, {"n <= 7.0", "true"}, {"n < 7", "false"},
		{"1 = 1.0", "true"}, {"'1' = 1", "false"}, {"'1' <> 1", "true"}, {"[1,2] = [1,2]", "true"}, {"[1,2] = [2,1]", "false"}, {"{'a':1,'b':[2]} = {'b':[2],'a':1}", "true"},
		{"{'a':1} <> {'a':2}", "true"}, {"null = null", "true"}, {"null <> null", "false"}, {"missing = missing", ""}, {"missing <> 1", ""}, {"null = 1", "false"},
		{"'a' + 1", `"a1"`}, {"1 + 'a'", `"1a"`}, {"1 + 2", "3"}, {"1 + 2.5", "3.5"}, {"1 + true", ""}, {"'a' + missing", ""},
		{"'10' - 1", "9"}, {"'x' - 1", ""}, {"3 * '2'", "6"}, {"7 / 2", "3"}, {"-7 / 2", "-3"}, {"7 / 2.5", "2.8"}, {"7 % 4", "3"}, {"-7 % 4", "-3"}, {"7.5 % 2", "1.5"},
		{"1 / 0", ""}, {"1.5 / 0", ""}, {"1 % 0", ""}, {"n / (n - 7)", ""}, {"-n", "-7"}, {"- -n", "7"}, {"-'3'", "-3"}, {"-name", ""},
		{"1 + 2 * 3", "7"}, {"(1 + 2) * 3", "9"}, {"10 - 3 - 2", "5"}, {"NOT 1 = 2 AND true", "true"}, {"true OR true AND false", "true"}, {"1 != 2", "true"},
	})
}

func TestRE6_Case(t *testing.T) {
	gives(t, press, [][2]string{
		{"CASE n WHEN 6 THEN 'six' WHEN 7 THEN 'seven' WHEN 7 THEN 'again' ELSE 'many' END", `"seven"`},
		{"CASE n WHEN 1 THEN 'one' ELSE 'many' END", `"many"`}, {"CASE n WHEN 1 THEN 'one' END", ""}, {"CASE missing WHEN 1 THEN 'one' ELSE 'many' END", ""},
		{"CASE name WHEN 'press' THEN {'is': [n]} END", `{"is":[7]}`}, {"case true when n > 100 then 1 when n > 5 then 2 end", "2"},
	})
}

func TestRE7_Literals(t *testing.T) {
	gives(t, press, [][2]string{
		{"{'k': n, \"l\": [n, 'x', {'m': null}]}", `{"k":7,"l":[7,"x",{"m":null}]}`}, {"[]", "[]"}, {"{}", "{}"}, {"[[1],[2,[3]]]", "[[1],[2,[3]]]"},
		{"\"double\"", `"double"`}, {"'single'", `"single"`},
	})
}

func TestRE8_Access(t *testing.T) {
	gives(t, press, [][2]string{
		{"state.reported.oil", "80"}, {"state.missing.oil", ""}, {"get(*, 'odd-key')", "1"}, {"get(list, 0)", "1"}, {"get(list, 9)", ""}, {"get(state, 'reported').oil", "80"}, {"name.x", ""},
		{"get(get(state, 'reported'), 'oil')", "80"}, {"get_or_default(*, 'nothing', 5)", "5"},
	})
	raw := Message{Topic: "a/b", Payload: []byte{0xFF, 0x01, 'x'}}
	if got := run(t, "SELECT * FROM 'a/b'", raw, Options{}); len(got) != 1 || got[0] != "\xff\x01x" {
		t.Errorf("bytes come out as %q", got)
	}
	if got := run(t, "SELECT encode(*, 'base64') AS data, topic() AS t FROM 'a/b'", raw, Options{}); len(got) != 1 || got[0] != `{"data":"/wF4","t":"a/b"}` {
		t.Errorf("bytes are encoded as %q", got)
	}
	gives(t, `{"encoded_temp": "eyAidGVtcGVyYXR1cmUiOiAzMyB9Cg==", "t": "aGVsbG8="}`, [][2]string{
		{`decode(encoded_temp,"base64").temperature`, "33"}, {"decode(t, 'base64')", `"hello"`}, {"decode('?', 'base64')", "null"}, {"decode(t, 'proto')", ""}, {"encode('hello', 'base64')", `"aGVsbG8="`},
	})
	s, err := Parse("SELECT temp FROM 'a/b'")
	if err != nil {
		t.Fatal(err)
	}
	if err := New(s, Options{}).Eval(noon, raw, func(Row) { t.Error("a row") }); !errors.Is(err, ErrPayload) {
		t.Errorf("a field of what is no JSON: %v", err)
	}
}

const senml = `{"e": [{"n": "temperature", "u": "Cel", "t": 1234, "v": 22.5}, {"n": "light", "u": "lm", "t": 1235, "v": 135}, {"n": "acidity", "u": "pH", "t": 1235, "v": 7}]}`

func TestRE9_NestedQueries(t *testing.T) {
	selects(t, senml, [][2]string{
		{"SELECT (SELECT VALUE n FROM e) as sensors FROM 'a/b'", `{"sensors":["temperature","light","acidity"]}`},
		{"SELECT (SELECT v FROM e WHERE n = 'temperature') as temperature FROM 'a/b'", `{"temperature":[{"v":22.5}]}`},
		{"SELECT get((SELECT v FROM e WHERE n = 'temperature'), 0).v as temperature FROM 'a/b'", `{"temperature":22.5}`},
		{"SELECT (SELECT v FROM nothing) AS x, 1 AS y FROM 'a/b'", `{"y":1}`},
	})
	selects(t, `{"data1": "example", "data2": {"a": "first", "b": "second", "c": [{"x": {"i": 5}, "y": true}, {"x": {"i": 10}, "y": false}]}}`, [][2]string{
		{"select value transform('enrichArray', (select a, b from data2), (select value c from data2)) from 'a/b'",
			`[{"x":{"i":5},"y":true,"a":"first","b":"second"},{"x":{"i":10},"y":false,"a":"first","b":"second"}]`},
	})
}

func TestRE10_SelectValue(t *testing.T) {
	selects(t, `{"value": 5, "list": [1]}`, [][2]string{
		{"SELECT VALUE list FROM 'a/b'", "[1]"}, {"SELECT VALUE value FROM 'a/b'", "5"}, {"SELECT value FROM 'a/b'", `{"value":5}`}, {"SELECT value * 2 AS x FROM 'a/b'", `{"x":10}`},
		{"SELECT VALUE * FROM 'a/b'", `{"value":5,"list":[1]}`}, {"SELECT VALUE (list) FROM 'a/b'", "[1]"}, {"SELECT value AS v, list FROM 'a/b'", `{"v":5,"list":[1]}`},
		{"SELECT VALUE [value] FROM 'a/b'", "[5]"}, {"SELECT VALUE missing FROM 'a/b'", ""},
	})
}
