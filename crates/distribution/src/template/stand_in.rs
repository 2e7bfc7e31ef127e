//! What `Ref` and `Fn::GetAtt` give for resources that nobody has made: names and domains that stay the same.
//!
//! Always holds: the same template gives the same names; where a resource names itself that name is used. Deliberately
//! absent: attributes that no setting of a distribution needs.

use super::evaluate::{Evaluator, Spot};
use crate::identity::derived;
use crate::value::Value;

impl Evaluator<'_> {
    /// What `Ref` gives for a resource; nothing when there is none of that name.
    pub(super) fn reference_to(&self, id: &str, at: &Value, spot: Spot<'_>) -> Option<Value> {
        let resource = self.scope(spot)?.resource(id)?;
        let kind = resource
            .get("Type")
            .and_then(Value::as_text)
            .unwrap_or_default();
        let (region, account) = (&self.surroundings.region, &self.surroundings.account);
        let text = match kind {
            "AWS::S3::Bucket" => self
                .property(id, "BucketName", spot)
                .unwrap_or_else(|| plain(id)),
            "AWS::CloudFront::Function" => self.function_arn(id, spot),
            "AWS::CloudFront::Distribution" => derived(&self.key(spot.scope, id)).id,
            "AWS::CertificateManager::Certificate" => {
                format!("arn:aws:acm:us-east-1:{account}:certificate/{id}")
            }
            "AWS::Lambda::Version" => version_arn(account, id),
            "AWS::Lambda::Function" | "AWS::Serverless::Function" => self
                .property(id, "FunctionName", spot)
                .unwrap_or_else(|| id.to_owned()),
            "AWS::ElasticLoadBalancingV2::LoadBalancer" => {
                format!("arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/{id}/0")
            }
            "AWS::ApiGateway::RestApi" | "AWS::ApiGatewayV2::Api" => plain(id),
            _ if kind.starts_with("AWS::CloudFront::") => self.key(spot.scope, id),
            _ => id.to_owned(),
        };
        self.made(at, spot, text)
    }

    /// What `Fn::GetAtt` gives; what it cannot give is reported.
    pub(super) fn attribute(
        &self,
        id: &str,
        name: &str,
        at: &Value,
        spot: Spot<'_>,
    ) -> Option<Value> {
        let Some(resource) = self.scope(spot).and_then(|scope| scope.resource(id)) else {
            let message = format!("`{id}` is no resource of this template");
            return self.unresolved(at, spot, &message);
        };
        let kind = resource
            .get("Type")
            .and_then(Value::as_text)
            .unwrap_or_default();
        let text = match kind {
            "AWS::S3::Bucket" => self.of_bucket(id, name, spot),
            _ if kind.starts_with("AWS::CloudFront::") => self.of_cloudfront(kind, id, name, spot),
            _ => self.of_other(kind, id, name),
        };
        match text {
            Some(text) => self.made(at, spot, text),
            None => {
                let message = format!(
                    "`{name}` of `{id}` ({kind}) is known only to AWS; write the value, or make it a parameter"
                );
                self.unresolved(at, spot, &message)
            }
        }
    }

    fn of_bucket(&self, id: &str, name: &str, spot: Spot<'_>) -> Option<String> {
        let region = &self.surroundings.region;
        let bucket = self
            .property(id, "BucketName", spot)
            .unwrap_or_else(|| plain(id));
        Some(match name {
            "DomainName" => format!("{bucket}.s3.amazonaws.com"),
            "RegionalDomainName" => format!("{bucket}.s3.{region}.amazonaws.com"),
            "DualStackDomainName" => format!("{bucket}.s3.dualstack.{region}.amazonaws.com"),
            "WebsiteURL" => format!("http://{bucket}.s3-website.{region}.amazonaws.com"),
            "Arn" => format!("arn:aws:s3:::{bucket}"),
            _ => return None,
        })
    }

    fn of_cloudfront(&self, kind: &str, id: &str, name: &str, spot: Spot<'_>) -> Option<String> {
        let key = self.key(spot.scope, id);
        let account = &self.surroundings.account;
        Some(match (kind, name) {
            ("AWS::CloudFront::Distribution", "DomainName") => derived(&key).domain,
            ("AWS::CloudFront::Distribution", "Id") => derived(&key).id,
            ("AWS::CloudFront::Function", "FunctionARN" | "FunctionMetadata.FunctionARN") => {
                self.function_arn(id, spot)
            }
            ("AWS::CloudFront::KeyValueStore", "Arn") => {
                format!("arn:aws:cloudfront::{account}:key-value-store/{key}")
            }
            (_, "Id" | "S3CanonicalUserId") => key,
            _ => return None,
        })
    }

    fn of_other(&self, kind: &str, id: &str, name: &str) -> Option<String> {
        let (region, account) = (&self.surroundings.region, &self.surroundings.account);
        let plain = plain(id);
        Some(match (kind, name) {
            ("AWS::Lambda::Url", "FunctionUrl") => {
                format!("https://{plain}.lambda-url.{region}.on.aws/")
            }
            (
                "AWS::ElasticLoadBalancingV2::LoadBalancer"
                | "AWS::ElasticLoadBalancing::LoadBalancer",
                "DNSName",
            ) => format!("{plain}.{region}.elb.amazonaws.com"),
            ("AWS::ApiGatewayV2::Api", "ApiEndpoint") => {
                format!("https://{plain}.execute-api.{region}.amazonaws.com")
            }
            ("AWS::Lambda::Version", "FunctionArn") => version_arn(account, id),
            ("AWS::Lambda::Function", "Arn") => {
                format!("arn:aws:lambda:{region}:{account}:function:{id}")
            }
            ("AWS::WAFv2::WebACL", "Arn") => {
                format!("arn:aws:wafv2:us-east-1:{account}:global/webacl/{id}/0")
            }
            ("AWS::CloudFront::VpcOrigin", "Id") => id.to_owned(),
            _ => return None,
        })
    }

    fn function_arn(&self, id: &str, spot: Spot<'_>) -> String {
        let name = self.property(id, "Name", spot);
        let name = name.unwrap_or_else(|| self.key(spot.scope, id));
        let account = &self.surroundings.account;
        format!("arn:aws:cloudfront::{account}:function/{name}")
    }

    /// A property that is a text.
    fn property(&self, id: &str, name: &str, spot: Spot<'_>) -> Option<String> {
        let resource = self.scope(spot)?.resource(id)?;
        let value = resource.get("Properties")?.get(name)?;
        let spot = self.deeper(value, spot).ok()?;
        self.text(value, spot)
    }
}

/// A logical id as a label of a domain.
fn plain(id: &str) -> String {
    id.to_ascii_lowercase()
}

fn version_arn(account: &str, id: &str) -> String {
    format!("arn:aws:lambda:us-east-1:{account}:function:{id}:1")
}
