package opcua

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	gopcua "github.com/gopcua/opcua"
	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uasc"

	"github.com/penstock-edge/penstock/adapters"
)

const (
	sessionTimeout = time.Minute // a server forgets a gateway that vanished after this
	productURI     = "urn:penstock-edge:penstock"

	// requestTimeout is told to the server with every request, and is the library's own limit. It is
	// longer than any wait for a publish, which is the one request that is meant to take its time; all
	// others end by their context.
	requestTimeout = 2 * time.Minute
)

// Open finds the endpoint, checks who answers, and opens a session.
func (c *Connection) Open(ctx context.Context, log *slog.Logger) (adapters.Adapter, error) {
	endpoint, err := c.discover(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.checkTrust(endpoint); err != nil {
		return nil, err
	}
	login, err := c.login(endpoint, log)
	if err != nil {
		return nil, err
	}
	options, uri, err := c.channel(endpoint, log)
	if err != nil {
		return nil, err
	}
	if c.UserCert != "" {
		user, err := loadUser(c.UserCert, c.UserKey)
		if err != nil {
			return nil, err
		}
		options = append(options, gopcua.AuthPrivateKey(user.key))
	}
	login.ClientDescription.ApplicationURI = uri
	s, err := c.connect(ctx, log, options, login)
	if err != nil {
		return nil, c.explain(err, endpoint)
	}
	a := &Adapter{session: s, settings: *c, log: log, types: map[string]Type{}, outcomes: map[string]outcome{}}
	if err := a.learn(ctx); err != nil {
		s.close()
		return nil, fmt.Errorf("read the server's namespaces and limits: %w", err)
	}
	return a, nil
}

// discover asks the server for its endpoints and picks one.
func (c *Connection) discover(ctx context.Context) (*ua.EndpointDescription, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	w := &wire{}
	stop := context.AfterFunc(ctx, w.cut)
	defer stop()
	endpoints, err := gopcua.GetEndpoints(ctx, c.URL, gopcua.Dialer(w.dialer(c.Timeout)), gopcua.RequestTimeout(c.Timeout))
	if err != nil {
		return nil, fmt.Errorf("ask %s for its endpoints: %w", c.URL, plain(err))
	}
	endpoint, err := c.choose(endpoints)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.URL, err)
	}
	return endpoint, nil
}

// channel are the library's settings of the secure channel, and the URI under which we introduce ourselves.
func (c *Connection) channel(e *ua.EndpointDescription, log *slog.Logger) (options []gopcua.Option, uri string, err error) {
	options = []gopcua.Option{
		gopcua.AutoReconnect(false),
		gopcua.RequestTimeout(requestTimeout),
		gopcua.SecurityFromEndpoint(e, ua.UserTokenTypeAnonymous),
	}
	if e.SecurityMode == ua.MessageSecurityModeNone {
		log.Warn("the connection is not encrypted: anybody on the way can read and change everything", "server", c.URL)
		return options, productURI, nil
	}
	own, err := c.identity()
	if errors.Is(err, fs.ErrPermission) && c.Cert == "" && c.PKI == "" {
		log.Warn("our own certificate can't be kept here: one is made for this connection only, which a server that checks will not know", "err", err)
		own, err = newIdentity()
	}
	if err != nil {
		return nil, "", err
	}
	options = append(options, gopcua.PrivateKey(own.key), gopcua.Certificate(own.der))
	return options, own.uri, nil
}

// login is how the session introduces itself: the user token that the endpoint asks for.
func (c *Connection) login(e *ua.EndpointDescription, log *slog.Logger) (*uasc.SessionConfig, error) {
	login := gopcua.DefaultSessionConfig()
	login.SessionTimeout = sessionTimeout
	login.ClientDescription.ProductURI = productURI
	login.ClientDescription.ApplicationName = ua.NewLocalizedText("Penstock gateway")
	if c.UserCert != "" {
		return login, c.certificateLogin(e, login)
	}
	if c.User == "" {
		token := tokenOf(e, ua.UserTokenTypeAnonymous)
		if token == nil {
			return nil, fmt.Errorf("%s: the server wants to know who we are; give user and password_file", c.URL)
		}
		login.UserIdentityToken = &ua.AnonymousIdentityToken{PolicyID: token.PolicyID}
		return login, nil
	}
	token := tokenOf(e, ua.UserTokenTypeUserName)
	if token == nil {
		return nil, fmt.Errorf("%s: the server takes no user name on this endpoint; leave user out or choose another security", c.URL)
	}
	if inClear(e, token) {
		if !c.Insecure {
			return nil, fmt.Errorf("%s: the server wants the password unencrypted; choose another security, or accept it with insecure: true", c.URL)
		}
		log.Warn("the password is sent unencrypted", "server", c.URL)
	}
	password, err := c.password()
	if err != nil {
		return nil, err
	}
	login.UserIdentityToken = &ua.UserNameIdentityToken{PolicyID: token.PolicyID, UserName: c.User}
	login.AuthPolicyURI, login.AuthPassword = token.SecurityPolicyURI, password
	return login, nil
}

// certificateLogin has a certificate stand for the user. Its key signs what the server sent (OPC 10000-4, 7.41.5).
func (c *Connection) certificateLogin(e *ua.EndpointDescription, login *uasc.SessionConfig) error {
	token := tokenOf(e, ua.UserTokenTypeCertificate)
	if token == nil {
		return fmt.Errorf("%s: the server takes no certificate for a user on this endpoint; leave user_cert out or choose another security", c.URL)
	}
	user, err := loadUser(c.UserCert, c.UserKey)
	if err != nil {
		return err
	}
	login.UserIdentityToken = &ua.X509IdentityToken{PolicyID: token.PolicyID, CertificateData: user.der}
	if login.AuthPolicyURI = token.SecurityPolicyURI; login.AuthPolicyURI == "" {
		login.AuthPolicyURI = e.SecurityPolicyURI
	}
	return nil
}

// tokenOf is the endpoint's token of a kind, an encrypted one where there is a choice; nil when it offers none.
func tokenOf(e *ua.EndpointDescription, kind ua.UserTokenType) *ua.UserTokenPolicy {
	var best *ua.UserTokenPolicy
	for _, token := range e.UserIdentityTokens {
		if token == nil || token.TokenType != kind {
			continue
		}
		if best == nil || inClear(e, best) {
			best = token
		}
	}
	return best
}

// inClear reports whether a password would leave the machine readable: neither the token nor the channel encrypts it.
func inClear(e *ua.EndpointDescription, token *ua.UserTokenPolicy) bool {
	policy := token.SecurityPolicyURI
	if policy == "" {
		policy = e.SecurityPolicyURI
	}
	return policy == ua.SecurityPolicyURINone && e.SecurityMode != ua.MessageSecurityModeSignAndEncrypt
}

func (c *Connection) password() (string, error) {
	if c.PasswordFile == "" {
		return c.Password, nil
	}
	raw, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("password_file: %w", err)
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}

// connect opens channel and session. It does so step by step because the library's Connect goes on with
// a nil session when the server's signature is wrong.
func (c *Connection) connect(ctx context.Context, log *slog.Logger, options []gopcua.Option, login *uasc.SessionConfig) (s *session, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	w := &wire{}
	stop := context.AfterFunc(ctx, w.cut)
	defer stop()
	client, err := gopcua.NewClient(c.URL, append(options, gopcua.Dialer(w.dialer(c.Timeout)))...)
	if err != nil {
		return nil, err
	}
	s = newSession(client, w, log)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the OPC UA library panicked: %v", r)
		}
		if err != nil {
			s.close()
		}
	}()
	if err := client.Dial(ctx); err != nil {
		return s, fmt.Errorf("open the secure channel: %w", err)
	}
	created, err := client.CreateSession(ctx, login)
	if err != nil {
		return s, fmt.Errorf("create the session: %w", err)
	}
	if created == nil {
		return s, errSignature
	}
	if err := client.ActivateSession(ctx, created); err != nil {
		return s, fmt.Errorf("log in: %w", err)
	}
	if client.Session() == nil {
		return s, errSignature
	}
	return s, nil
}

var errSignature = errors.New("the server could not prove that it owns its certificate")

// explain adds what a person can do about a refusal.
func (c *Connection) explain(err error, e *ua.EndpointDescription) error {
	err = plain(err)
	var status ua.StatusCode
	errors.As(err, &status)
	encrypted := e.SecurityMode != ua.MessageSecurityModeNone
	switch {
	case status == ua.StatusBadTooManySessions, status == ua.StatusBadMaxConnectionsReached:
		return fmt.Errorf("%s has no room for another session: close other clients, or raise its limit: %w", c.URL, err)
	case isLogin(status) && c.UserCert != "":
		return fmt.Errorf("%s refused the user's certificate: tell the server to trust it: %w", c.URL, err)
	case isLogin(status) && c.User != "":
		return fmt.Errorf("%s refused user %q: check user and password_file: %w", c.URL, c.User, err)
	case isLogin(status):
		return fmt.Errorf("%s refused an anonymous session: give user and password_file: %w", c.URL, err)
	case encrypted && (isCertificate(status) || errors.Is(err, io.EOF)):
		return fmt.Errorf("%s refused our certificate: tell the server to trust it: %w", c.URL, err)
	}
	return fmt.Errorf("%s: %w", c.URL, err)
}

func isLogin(status ua.StatusCode) bool {
	switch status {
	case ua.StatusBadUserAccessDenied, ua.StatusBadIdentityTokenInvalid, ua.StatusBadIdentityTokenRejected:
		return true
	}
	return false
}

func isCertificate(status ua.StatusCode) bool {
	switch status {
	case ua.StatusBadSecurityChecksFailed, ua.StatusBadCertificateUntrusted, ua.StatusBadCertificateInvalid,
		ua.StatusBadCertificateTimeInvalid, ua.StatusBadCertificateURIInvalid, ua.StatusBadCertificateUseNotAllowed:
		return true
	}
	return false
}

// plain gives the library's bare "EOF" a meaning.
func plain(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the server closed the connection: %w", err)
	}
	return err
}
