package broker

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// errHeader says that what a posted message is described with cannot be read.
var errHeader = errors.New("not a message")

// maxProperties bounds a message's user properties in number; their size is bounded as HTTP's headers are.
const maxProperties = 64

// describe reads what stands beside a posted payload, as AWS IoT's Publish has it: qos, retain, contentType, responseTopic and
// messageExpiry (seconds) in the query; the rest of MQTT 5's properties in headers.
func (m *Message) describe(q url.Values, h http.Header) (err error) {
	qos, err := number(q, "qos", 1)
	if err != nil {
		return err
	}
	expiry, err := number(q, "messageExpiry", int(messageLife/time.Second))
	if err != nil {
		return err
	}
	m.QoS, m.Expires = byte(qos), time.Duration(expiry)*time.Second
	m.ContentType, m.ResponseTopic = q.Get("contentType"), q.Get("responseTopic")
	if m.Retain, err = strconv.ParseBool(orElse(q.Get("retain"), "false")); err != nil {
		return fmt.Errorf("%w: retain is true or false", errHeader)
	}
	m.Text = h.Get("x-amz-mqtt5-payload-format-indicator") == "UTF8_DATA"
	if m.Correlation, err = base64.StdEncoding.DecodeString(h.Get("x-amz-mqtt5-correlation-data")); err != nil {
		return fmt.Errorf("%w: x-amz-mqtt5-correlation-data is no base64", errHeader)
	}
	if m.User, err = userProperties(h.Get("x-amz-mqtt5-user-properties")); err != nil {
		return err
	}
	return m.describable()
}

// describable refuses what would not be an MQTT string (1.5.4), or a topic to answer on.
func (m *Message) describable() error {
	if strings.ContainsAny(m.ResponseTopic, "+#") {
		return fmt.Errorf("%w: responseTopic must not hold + or #", errHeader)
	}
	texts := []string{m.ContentType, m.ResponseTopic}
	for _, p := range m.User {
		texts = append(texts, p.Key, p.Value)
	}
	for _, text := range texts {
		if len(text) > 1<<16-1 || strings.ToValidUTF8(text, "") != text || strings.ContainsRune(text, 0) {
			return fmt.Errorf("%w: properties are UTF-8 without the character 0, and less than 64 KiB each", errHeader)
		}
	}
	return nil
}

// number reads a whole number from 0 to most; 0 when it isn't there.
func number(q url.Values, key string, most int) (int, error) {
	n, err := strconv.Atoi(orElse(q.Get(key), "0"))
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%w: %s is a number from 0 to %d", errHeader, key, most)
	}
	return n, nil
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// userProperties are base64 of JSON: [{"key":"value"},...].
func userProperties(header string) (list []Property, err error) {
	if header == "" {
		return nil, nil
	}
	text, err := base64.StdEncoding.DecodeString(header)
	var objects []map[string]string
	if err == nil {
		err = json.Unmarshal(text, &objects)
	}
	if err != nil || len(objects) > maxProperties {
		return nil, fmt.Errorf(`%w: x-amz-mqtt5-user-properties is base64 of [{"key":"value"},...], at most %d`, errHeader, maxProperties)
	}
	for _, o := range objects {
		if len(o) != 1 {
			return nil, fmt.Errorf("%w: a user property is an object with one key", errHeader)
		}
		for key, value := range o {
			list = append(list, Property{key, value})
		}
	}
	return list, nil
}
