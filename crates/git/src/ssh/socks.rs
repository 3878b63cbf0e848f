//! SOCKS5 (RFC 1928, with RFC 1929), the one kind of proxy that ssh goes through.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{FetchError, Proxy};

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const LOGIN: u8 = 2;

/// A connection to a host through a proxy.
pub(super) async fn connect(proxy: &Proxy, host: &str, port: u16) -> Result<TcpStream, FetchError> {
    let Some(address) =
        ["socks5://", "socks5h://"].iter().find_map(|s| proxy.address.strip_prefix(s))
    else {
        let scheme = proxy.address.split(':').next().unwrap_or_default();
        return Err(FetchError::Proxy(format!(
            "proxy: unknown scheme: {scheme}: ssh takes socks5 alone"
        )));
    };
    let address = address.trim_end_matches('/');
    let address =
        if address.contains(':') { address.to_owned() } else { format!("{address}:1080") };
    let failed = |cause: std::io::Error| FetchError::Proxy(format!("`{}`: {cause}", proxy.address));
    dial(proxy, &address, host, port).await.map_err(failed)
}

async fn dial(proxy: &Proxy, address: &str, host: &str, port: u16) -> std::io::Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    let method = if proxy.credentials.is_some() { LOGIN } else { NO_LOGIN };
    socket.write_all(&[VERSION, 1, method]).await?;
    let mut answer = [0; 2];
    socket.read_exact(&mut answer).await?;
    if answer != [VERSION, method] {
        return Err(refused("it does not take our kind of login"));
    }
    if let Some((user, password)) = &proxy.credentials {
        let mut login = vec![1];
        for text in [user.as_bytes(), password.expose().as_bytes()] {
            login.push(
                u8::try_from(text.len()).map_err(|_| refused("user or password is too long"))?,
            );
            login.extend_from_slice(text);
        }
        socket.write_all(&login).await?;
        socket.read_exact(&mut answer).await?;
        if answer[1] != 0 {
            return Err(refused("it refused user and password"));
        }
    }
    let length = u8::try_from(host.len()).map_err(|_| refused("the host's name is too long"))?;
    let mut request = vec![VERSION, 1, 0, 3, length];
    request.extend_from_slice(host.as_bytes());
    request.extend_from_slice(&port.to_be_bytes());
    socket.write_all(&request).await?;
    let mut head = [0; 4];
    socket.read_exact(&mut head).await?;
    if head[1] != 0 {
        return Err(refused(&format!("it cannot connect (code {})", head[1])));
    }
    let bound = match head[3] {
        1 => 4,
        4 => 16,
        _ => usize::from(socket.read_u8().await?),
    };
    let mut rest = vec![0; bound + 2];
    socket.read_exact(&mut rest).await?;
    Ok(socket)
}

fn refused(why: &str) -> std::io::Error {
    std::io::Error::other(why.to_owned())
}
