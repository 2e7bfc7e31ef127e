/**
 * A site behind CloudFront, in a stack of yours.
 *
 * What is deployed is the template that `portcullis template` writes: the distribution that `portcullis dev` plays, field by
 * field. This construct puts it into an app, brings the gateway's code as an asset, and hands out what other resources refer to.
 */
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { CfnDistribution } from 'aws-cdk-lib/aws-cloudfront';
import { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { existsSync } from 'node:fs';

/** What a site is made of. */
export interface PortcullisProps {
  /** The file that `portcullis template` wrote. */
  readonly template: string;
  /** The zip file of the gateway, as `cargo xtask package` makes it. */
  readonly code: string;
}

/** The logical ids of the template that this construct hands out. */
const IDS = {
  distribution: 'Distribution',
  gateway: 'Gateway',
  secret: 'Secret',
  state: 'State',
} as const;

/** A site. */
export class Portcullis extends Construct {
  /** The distribution. */
  readonly distribution: CfnDistribution;
  /** The gateway. Memory and architecture are options of `portcullis template`. */
  readonly gateway: CfnFunction;
  /** The secret header's value. */
  readonly secret: CfnSecret;
  /** Where the gateway reads its state. */
  readonly state: CfnTable;

  constructor(scope: Construct, id: string, props: PortcullisProps) {
    super(scope, id);
    mustExist('template', props.template, 'portcullis template -o site.template.json');
    mustExist('code', props.code, 'cargo xtask package MANIFEST');
    const code = new Asset(this, 'Code', { path: props.code });
    const included = new CfnInclude(this, 'Site', {
      templateFile: props.template,
      parameters: { CodeBucket: code.s3BucketName, CodeKey: code.s3ObjectKey },
    });
    this.distribution = included.getResource(IDS.distribution) as CfnDistribution;
    this.gateway = included.getResource(IDS.gateway) as CfnFunction;
    this.secret = included.getResource(IDS.secret) as CfnSecret;
    this.state = included.getResource(IDS.state) as CfnTable;
  }

  /** The domain name of the distribution. */
  get domainName(): string {
    return this.distribution.attrDomainName;
  }
}

function mustExist(what: string, path: string, command: string): void {
  if (!existsSync(path)) {
    throw new Error(`there is no ${what} at ${path}; \`${command}\` makes it`);
  }
}
